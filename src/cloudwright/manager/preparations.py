"""Operations that wait for the environment of their plugin, before they are granted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cloudwright.background import TaskSet
from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.manager.execution_context import ExecutionSnapshot
from cloudwright.manager.operation_run import OperationRun
from cloudwright.manager.plugin_environments import PluginEnvironments
from cloudwright.manager.plugin_selection import PluginCode


async def prepare_plugin(
    environments: PluginEnvironments,
    recorder: EventRecorder,
    snapshot: ExecutionSnapshot,
    plugin: dict[str, Any] | None,
) -> None:
    """Have what ``plugin`` needs installed; the execution's events say so, if that is to be waited for.

    Raises what ``PluginEnvironments.prepare`` raises.
    """
    since: float | None = None
    id, name = snapshot.execution.id, "" if plugin is None else str(plugin["name"])

    def installing(_: PluginCode) -> None:
        nonlocal since
        since = time.monotonic()
        recorder.event(id, "plugin_installing", f"Installing plugin `{name}` ...", details={"plugin": name})

    try:
        await environments.prepare(plugin, snapshot.blueprint_path, snapshot.codes, installing)
    except asyncio.CancelledError:
        if since is not None:
            message = f"The installation of plugin `{name}` is not waited for any more."
            recorder.event(id, "plugin_installation_stopped", message, details={"plugin": name})
        raise
    if since is not None:
        took = time.monotonic() - since
        message = f"Installed plugin `{name}` in {took:.0f} s."
        details = {"plugin": name, "seconds": round(took, 3)}
        recorder.event(id, "plugin_installed", message, details=details)


@dataclass(slots=True, eq=False)
class _Preparation:
    """What one execution waits for: the operations of one plugin."""

    runs: list[OperationRun] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class Preparations:
    """Has environments installed for operations that were sent, and hands these to ``prepared`` then.

    One whose environment cannot be installed is handed on too, with the error as its ``refusal``.
    """

    def __init__(
        self,
        environments: PluginEnvironments,
        recorder: EventRecorder,
        prepared: Callable[[list[OperationRun]], None],
    ) -> None:
        self._environments = environments
        self._recorder = recorder
        self._prepared = prepared
        # By execution and plugin.
        self._waiting: dict[tuple[str, str], _Preparation] = {}
        self._tasks = TaskSet()

    def __len__(self) -> int:
        return len(self._waiting)

    def is_prepared(self, run: OperationRun) -> bool:
        return self._environments.is_prepared(run.plugin, run.snapshot.codes)

    def add(self, run: OperationRun) -> None:
        key = run.execution_id, str(run.operation["plugin"])
        preparation = self._waiting.get(key)
        if preparation is None:
            preparation = self._waiting[key] = _Preparation()
            preparation.task = self._tasks.spawn(
                self._prepare(key, preparation, run), f"preparing plugin {key[1]} for execution {key[0]}"
            )
        preparation.runs.append(run)

    def drop(self, execution_id: str, term: int | None = None) -> list[OperationRun]:
        """Take out those of an execution, of this term and earlier ones or of any, and return them.

        An installation without a waiter is ended.
        """
        dropped: list[OperationRun] = []
        for key, preparation in list(self._waiting.items()):
            if key[0] == execution_id:
                gone = [run for run in preparation.runs if term is None or run.term <= term]
                dropped += gone
                preparation.runs = [run for run in preparation.runs if run not in gone]
                if not preparation.runs and preparation.task is not None:
                    del self._waiting[key]
                    preparation.task.cancel()
        return dropped

    async def close(self) -> None:
        self._waiting.clear()
        await self._tasks.close()

    async def _prepare(self, key: tuple[str, str], preparation: _Preparation, run: OperationRun) -> None:
        refusal: Exception | None = None
        try:
            await prepare_plugin(self._environments, self._recorder, run.snapshot, run.plugin)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is why the operations fail
            refusal = error
        del self._waiting[key]
        for waiting in preparation.runs:
            waiting.refusal = refusal
        self._prepared(preparation.runs)
