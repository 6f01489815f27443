"""The local worker: runs operations as processes of this manager's own zygotes."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from cloudwright.background import TaskSet
from cloudwright.errors import CloudwrightError
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.executors import check_executor
from cloudwright.manager.operation_run import OperationRun
from cloudwright.manager.plugin_environments import OPERATIONS, PluginEnvironment, PluginEnvironments
from cloudwright.manager.workers.protocol import Subjects
from cloudwright.model.execution import CancelMode
from cloudwright.model.operation import Failure
from cloudwright.operation.tempdirs import remove_abandoned
from cloudwright.process.runner import OperationEnd, OperationSink, Runner

#: What an operation's process runs.
ENTRY = "cloudwright.operation.child:main"
#: In the home: a folder for each tenant, deployment and plugin.
WORKDIRS = "workdirs"

log = logging.getLogger(__name__)


class Killed(CloudwrightError):
    """An operation was killed before its process existed."""

    def __init__(self) -> None:
        super().__init__("its execution was killed before the operation's process was started")


class LocalWorker:
    """A ``Worker`` whose operations are forked by the zygotes of ``environments``."""

    def __init__(
        self,
        name: str,
        sink: OperationSink,
        environments: PluginEnvironments,
        rpc: ChildRpc,
        *,
        home: Path,
        kill_grace: float,
        memory_limit: int | None,
    ) -> None:
        self.name = name
        self._sink = sink
        self._environments = environments
        self._rpc = rpc
        self._workdirs = home / WORKDIRS
        self._workdirs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._memory_limit = memory_limit
        self._runner = Runner(sink, kill_grace=kill_grace)
        self._held: dict[str, OperationRun] = {}
        self._tasks = TaskSet()

    def run(self, run: OperationRun, subjects: Subjects) -> None:
        self._held[run.id] = run
        run.ended.add_done_callback(lambda _: self._held.pop(run.id, None))
        self._tasks.spawn(self._start(run, subjects), f"the start of operation {run.id}")

    def cancel(self, operation_id: str, mode: CancelMode) -> None:
        self._runner.cancel(operation_id, str(mode))

    async def kill(self, run: OperationRun, reason: str) -> bool:
        run.killed = True
        if run.preparing is not None:
            run.preparing.cancel()
        # One that is being forked is waited for: it takes milliseconds, and then it can be signalled.
        await run.forked
        gone = await self._runner.kill(run.id, reason)
        if gone:
            await run.ended
        return gone

    def inventory(self) -> Collection[str]:
        return self._held.keys()

    async def close(self) -> None:
        await self._runner.close()
        await self._tasks.close()
        await asyncio.to_thread(remove_abandoned)

    async def _start(self, run: OperationRun, subjects: Subjects) -> None:
        operation = run.operation
        try:
            if isinstance(subjects, CloudwrightError):
                raise subjects
            check_executor(operation, subjects)
            environment, inputs = await self._prepared(run)
            await self._runner.run(
                environment.zygote,
                run.id,
                run.begin(environment.code, inputs, self._workdir(run), subjects),
                entry=ENTRY,
                cwd=str(run.snapshot.blueprint_path),
                memory_limit=self._memory_limit,
                timeout=operation.get("timeout"),
                timeout_recoverable=bool(operation.get("timeout_recoverable")),
            )
        except Exception as error:
            # Catch everything: a granted operation without an end would block its workflow forever.
            if not isinstance(error, CloudwrightError):
                log.exception("operation %s could not be started", run.id)
            self._sink.ended(run.id, OperationEnd("failed", None, start_failure(error), []))
        finally:
            if not run.forked.done():
                run.forked.set_result(None)

    async def _prepared(self, run: OperationRun) -> tuple[PluginEnvironment, dict[str, Any]]:
        """Return ``_prepare``'s result. It may take long (an installation), so a kill interrupts it."""
        run.preparing = asyncio.current_task()
        try:
            if run.killed:
                raise Killed
            return await self._prepare(run)
        except asyncio.CancelledError:
            if not run.killed:
                raise
            raise Killed from None
        finally:
            run.preparing = None

    async def _prepare(self, run: OperationRun) -> tuple[PluginEnvironment, dict[str, Any]]:
        """Return where to fork the operation, and its evaluated inputs."""
        operation, snapshot = run.operation, run.snapshot
        environment = await self._environments.open(
            OPERATIONS, run.plugin, snapshot.blueprint_path, snapshot.codes
        )
        inputs = operation["inputs"]
        if operation.get("evaluate"):
            inputs = await self._rpc.evaluate_inputs(snapshot, inputs, run.scope)
        return environment, inputs

    def _workdir(self, run: OperationRun) -> str:
        """Return the plugin's own folder for this deployment; the operation makes it when it asks for it."""
        execution = run.snapshot.execution
        plugin = str(run.operation["plugin"])
        return os.path.join(self._workdirs, execution.tenant, str(execution.deployment_id), plugin)


def start_failure(error: BaseException) -> Failure:
    """Return the failure of an operation that ``error`` kept from starting."""
    message = f"The operation could not be started: {error}"
    return Failure(message, recoverable=False, kind=type(error).__name__)
