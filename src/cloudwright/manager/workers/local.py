"""The local worker: runs operations as processes of this manager's own zygotes."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from cloudwright.background import TaskSet
from cloudwright.errors import CloudwrightError
from cloudwright.manager.begin_gate import BeginGate
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.executors import check_executor
from cloudwright.manager.operation_run import OperationRun
from cloudwright.manager.plugin_environments import PluginEnvironment, PluginEnvironments
from cloudwright.manager.workers.protocol import Subjects
from cloudwright.manager.zygotes import OPERATIONS
from cloudwright.model.execution import CancelMode
from cloudwright.model.frames.operation import check_to_operation
from cloudwright.model.operation import NOT_STARTED, Failure
from cloudwright.operation.tempdirs import remove_abandoned
from cloudwright.process.runner import OperationEnd, OperationSink, Runner

#: What an operation's process runs.
ENTRY = "cloudwright.operation.child:main"
#: In the home: a folder for each tenant, deployment and plugin.
WORKDIRS = "workdirs"

#: Seconds between an operation's ``begin`` frame and its report that it has begun; then the end of its
#: execution kills it.
BEGIN_SECONDS = 3.0

log = logging.getLogger(__name__)


class LocalWorker:
    """A ``Worker`` whose operations are forked by the zygotes of ``environments``.

    ``variables`` returns what is added to the environment of an operation's process.
    """

    def __init__(
        self,
        name: str,
        sink: OperationSink,
        environments: PluginEnvironments,
        rpc: ChildRpc,
        gate: BeginGate,
        *,
        home: Path,
        kill_grace: float,
        memory_limit: int | None,
        variables: Callable[[OperationRun], Mapping[str, str]],
    ) -> None:
        self.name = name
        self._sink = sink
        self._environments = environments
        self._rpc = rpc
        self._gate = gate
        self._workdirs = home / WORKDIRS
        self._workdirs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._memory_limit = memory_limit
        self._variables = variables
        self._runner = Runner(sink, kill_grace=kill_grace)
        self._held: dict[str, OperationRun] = {}
        self._tasks = TaskSet()

    def run(self, run: OperationRun, subjects: Subjects) -> None:
        self._held[run.id] = run
        run.ended.add_done_callback(lambda _: self._held.pop(run.id, None))
        self._tasks.spawn(self._start(run, subjects), f"the start of operation {run.id}")

    def cancel(self, operation_id: str, mode: CancelMode) -> None:
        self._runner.cancel(operation_id, str(mode))

    def revoke(self, run: OperationRun) -> bool:
        if not self._runner.revoke(run.id):
            return False
        run.revoked = True
        if run.preparing is not None:
            run.preparing.cancel()
        return True

    async def settle(self, run: OperationRun) -> bool:
        if self.revoke(run):
            await run.ended
            return True
        if await self._runner.begun(run.id, BEGIN_SECONDS):
            return True
        return await self.kill(run, f"its code did not begin within {BEGIN_SECONDS:g} s")

    async def kill(self, run: OperationRun, reason: str) -> bool:
        if self.revoke(run):
            await run.ended
            return True
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
            if run.refusal is not None:
                raise run.refusal
            check_executor(operation, subjects)
            prepared = await self._prepared(run)
            if prepared is None:
                self._sink.ended(run.id, OperationEnd("cancelled"))
                return
            environment, inputs = prepared
            await self._runner.run(
                environment.zygote,
                run.id,
                run.begin(environment.code, inputs, self._workdir(run), subjects),
                attempt=run.attempt,
                entry=ENTRY,
                env=self._variables(run),
                cwd=str(run.snapshot.blueprint_path),
                memory_limit=self._memory_limit,
                timeout=operation.get("timeout"),
                timeout_recoverable=bool(operation.get("timeout_recoverable")),
                gate=self._gate.bind(run.execution_id),
                check_sent=check_to_operation,
            )
        except Exception as error:
            # Catch everything: a granted operation without an end would block its workflow forever.
            if not isinstance(error, CloudwrightError):
                log.exception("operation %s could not be started", run.id)
            self._sink.ended(run.id, OperationEnd("failed", None, start_failure(error), []))

    async def _prepared(self, run: OperationRun) -> tuple[PluginEnvironment, dict[str, Any]] | None:
        """Return ``_prepare``'s result, or None if the operation was revoked meanwhile."""
        if run.revoked:
            return None
        run.preparing = asyncio.current_task()
        try:
            return await self._prepare(run)
        except asyncio.CancelledError:
            if not run.revoked:
                raise
            return None
        finally:
            run.preparing = None

    async def _prepare(self, run: OperationRun) -> tuple[PluginEnvironment, dict[str, Any]]:
        """Return where to fork the operation, and its evaluated inputs."""
        operation, snapshot = run.operation, run.snapshot
        environment = await self._environments.open(
            OPERATIONS, run.plugin, snapshot.blueprint_path, snapshot.codes
        )
        inputs = operation["inputs"]
        if snapshot.concealment:
            inputs = self._rpc.unseal(snapshot, inputs)
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
    message = f"{NOT_STARTED}: {error}"
    return Failure(message, recoverable=False, kind=type(error).__name__)
