"""Hands operations to this manager's local worker, and books what becomes of them.

An operation's way: *waiting* (the workflow asked for it, and it is stored as ``sent``) -> *granted* (one
guarded write, for all that can start at this moment) -> its process runs -> its end is stored -> the workflow
hears of it, if there still is one. An operation outlives its execution where nobody ends it: its end is
booked all the same.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from cloudwright.errors import CloudwrightError, NotFound
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.manager.execution_context import ExecutionSnapshot
from cloudwright.manager.executors import check_executor
from cloudwright.manager.operation_run import OperationRun
from cloudwright.manager.plugin_environments import OPERATIONS, PluginEnvironment, PluginEnvironments
from cloudwright.model.execution import CancelMode
from cloudwright.model.operation import Failure, OperationState
from cloudwright.model.topology import NodeInstance
from cloudwright.operation.folders import remove_abandoned
from cloudwright.process.runner import OperationEnd, Runner
from cloudwright.storage import deployments, operations
from cloudwright.storage.records import EndResult
from cloudwright.storage.store import Store

#: An operation that runs this long (seconds) gets its process id stored; shorter ones are over before anybody
#: could look.
PID_AFTER = 0.05

#: In the home: a folder for each tenant, deployment and plugin.
WORKDIRS = "workdirs"

Listener = Callable[[dict[str, Any]], None]
#: The node instances that an operation is about, by id; or why they cannot be read.
Subjects = dict[str, NodeInstance] | CloudwrightError
log = logging.getLogger(__name__)


class Killed(CloudwrightError):
    """An operation was killed before there was a process to kill."""

    def __init__(self) -> None:
        super().__init__("its execution was killed before the operation's process was started")


class Dispatcher:
    """Runs operations on the local worker, as many at once as it has slots."""

    def __init__(
        self,
        store: Store,
        recorder: EventRecorder,
        environments: PluginEnvironments,
        rpc: ChildRpc,
        *,
        worker: str,
        home: Path,
        slots: int,
        kill_grace: float,
        memory_limit: int | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._environments = environments
        self._rpc = rpc
        self._worker = worker
        self._workdirs = home / WORKDIRS
        self._workdirs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._free = slots
        self._memory_limit = memory_limit
        self._clock = clock
        self._runner = Runner(self, kill_grace=kill_grace)
        self._waiting: deque[OperationRun] = deque()
        self._running: dict[str, OperationRun] = {}
        self._listeners: dict[str, Listener] = {}
        # The executions whose operations are being ended: those sent under these terms or earlier ones, one
        # for each kill.
        self._killing: dict[str, list[int]] = {}
        self._pump_due = False
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()

    # What an owner asks for.

    def follow(self, execution_id: str, listener: Listener) -> None:
        """From now on ``listener`` hears what becomes of the execution's operations (``operation`` frames
        without a type).
        """
        self._listeners[execution_id] = listener

    def unfollow(self, execution_id: str) -> None:
        """Nobody listens any more; what waits will not start, what runs goes on and is booked when it
        ends.
        """
        self._listeners.pop(execution_id, None)
        self._drop_waiting(execution_id)

    def revoke(self, execution_id: str) -> None:
        """What waits will not start, and whoever listens hears that; what runs goes on."""
        for run in self._drop_waiting(execution_id):
            self._notify(run, OperationState.CANCELLED)

    def send(self, snapshot: ExecutionSnapshot, term: int, accepted: Iterable[dict[str, Any]]) -> None:
        """Run operations that are stored as ``sent`` under ``term``."""
        self._waiting.extend(OperationRun(snapshot, term, operation) for operation in accepted)
        self._pump_soon()

    def cancel(self, execution_id: str, mode: CancelMode) -> None:
        """Let the execution's running operations know that it was asked to stop."""
        for run in self._of(execution_id):
            self._runner.cancel(run.id, str(mode))

    async def kill(self, execution_id: str, term: int, reason: str) -> list[str]:
        """End every operation that the execution sent under ``term`` or before, and wait until their process
        groups are gone and their ends are stored.

        Answers the ids of those that could not be ended: each is an event of the execution too.
        """
        terms = self._killing.setdefault(execution_id, [])
        terms.append(term)
        self._drop_waiting(execution_id, term)
        targets = [run for run in self._of(execution_id) if run.term <= term]
        try:
            gone = await asyncio.gather(*(self._kill_one(run, reason) for run in targets))
        finally:
            # From here on the database refuses whatever else there may be: it is over, or being ended by
            # force.
            terms.remove(term)
            if not terms:
                self._killing.pop(execution_id, None)
        return [run.id for run, ended in zip(targets, gone, strict=True) if not ended]

    def runs(self, operation_id: str) -> bool:
        """Whether this worker holds the operation, from its grant until its end is stored."""
        return operation_id in self._running

    @property
    def busy(self) -> bool:
        return bool(self._running or self._waiting)

    async def close(self) -> None:
        """End all that runs. The rows are left as they are: whoever starts next finds them and knows what
        happened.
        """
        self._closing = True
        self._waiting.clear()
        await self._runner.close()
        for run in self._running.values():
            if run.pid_timer is not None:
                run.pid_timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(remove_abandoned)

    # From waiting to a process.

    def _pump_soon(self) -> None:
        # Once per turn of the loop, so that everything that became ready in it is granted by one write.
        if not self._pump_due:
            self._pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_due = False
        batch: list[OperationRun] = []
        while self._waiting and self._free > 0:
            run = self._waiting.popleft()
            self._free -= 1
            self._running[run.id] = run
            batch.append(run)
        if batch:
            self._recorder.flush()
            self._ask_for(batch)

    def _ask_for(self, batch: list[OperationRun]) -> None:
        # A callback, and no task: most of an operation's way is short steps, and a task costs more than each.
        grant = self._store.write(_grant, batch, self._worker, self._clock())
        grant.add_done_callback(partial(self._granted, batch))

    def _granted(self, batch: list[OperationRun], grant: asyncio.Future[dict[str, Subjects]]) -> None:
        if self._closing:
            return
        error = grant.exception()
        if error is None:
            self._start(batch, grant.result())
        elif len(batch) > 1:
            # It is one of them that cannot be granted, and not the others.
            for run in batch:
                self._ask_for([run])
        else:
            log.error("operation %s could not be granted", batch[0].id, exc_info=error)
            self._refuse(batch[0], error)

    def _start(self, batch: list[OperationRun], granted: dict[str, Subjects]) -> None:
        for run in batch:
            instances = granted.get(run.id)
            if instances is None:
                # Revoked meanwhile: its execution ended, was forced, or has another owner. Nothing was
                # forked.
                self._release(run)
                self._notify(run, OperationState.CANCELLED)
            else:
                self._notify(run, OperationState.STARTED)
                self._spawn(self._launch(run, instances))
        for execution_id in {run.execution_id for run in batch}:
            self._recorder.changed(execution_id, "operations")

    def _refuse(self, run: OperationRun, error: BaseException) -> None:
        """Nothing was stored, and nothing was forked: whoever waits for the operation is told so."""
        message = f"The operation could not be started: {error}"
        failure = Failure(message, recoverable=False, kind=type(error).__name__)
        self._release(run)
        self._notify(run, OperationState.FAILED, failure=failure)

    async def _launch(self, run: OperationRun, instances: Subjects) -> None:
        operation = run.operation
        try:
            if isinstance(instances, CloudwrightError):
                raise instances
            check_executor(operation, instances)
            environment, inputs = await self._prepared(run)
            await self._runner.run(
                environment.zygote,
                run.id,
                run.begin(environment.code, inputs, self._workdir(run), instances),
                cwd=str(run.snapshot.blueprint_path),
                memory_limit=self._memory_limit,
                timeout=operation.get("timeout"),
                timeout_recoverable=bool(operation.get("timeout_recoverable")),
            )
        except Exception as error:
            # Whatever it is: an operation that is granted and never ends would be waited for for ever.
            if not isinstance(error, CloudwrightError):
                log.exception("operation %s could not be started", run.id)
            message = f"The operation could not be started: {error}"
            failure = Failure(message, recoverable=False, kind=type(error).__name__)
            self.ended(run.id, OperationEnd("failed", None, failure, []))
        finally:
            if not run.forked.done():
                run.forked.set_result(None)

    async def _prepared(self, run: OperationRun) -> tuple[PluginEnvironment, dict[str, Any]]:
        """Where to fork it, and its inputs. May take long (an installation), so a kill interrupts it."""
        run.preparing = asyncio.current_task()
        try:
            if self._dooms(run):
                raise Killed
            return await self._prepare(run)
        except asyncio.CancelledError:
            if not self._dooms(run):
                raise
            raise Killed from None
        finally:
            run.preparing = None

    async def _prepare(self, run: OperationRun) -> tuple[PluginEnvironment, dict[str, Any]]:
        operation, snapshot = run.operation, run.snapshot
        environment = await self._environments.open(
            OPERATIONS, run.plugin, snapshot.blueprint_path, snapshot.codes
        )
        inputs = operation["inputs"]
        if operation.get("evaluate"):
            inputs = await self._rpc.evaluate_inputs(snapshot, inputs, run.scope)
        return environment, inputs

    def _workdir(self, run: OperationRun) -> str:
        """The plugin's own folder for this deployment: the operation makes it when it asks for it."""
        execution = run.snapshot.execution
        plugin = str(run.operation["plugin"])
        return os.path.join(self._workdirs, execution.tenant, str(execution.deployment_id), plugin)

    async def _kill_one(self, run: OperationRun, reason: str) -> bool:
        if run.preparing is not None:
            run.preparing.cancel()
        # One that is being forked is waited for: it takes milliseconds, and then it can be hit.
        await run.forked
        gone = await self._runner.kill(run.id, reason)
        if gone:
            await run.ended
        else:
            self._recorder.event(**run.survived())
        return gone

    def _of(self, execution_id: str) -> list[OperationRun]:
        return [run for run in self._running.values() if run.execution_id == execution_id]

    def _dooms(self, run: OperationRun) -> bool:
        return run.term <= max(self._killing.get(run.execution_id, ()), default=0)

    def _drop_waiting(self, execution_id: str, term: int | None = None) -> list[OperationRun]:
        """Take out what waits, of this term and before or of any, and answer it."""
        dropped = [
            item
            for item in self._waiting
            if item.execution_id == execution_id and (term is None or item.term <= term)
        ]
        if dropped:
            gone = {id(item) for item in dropped}
            self._waiting = deque(item for item in self._waiting if id(item) not in gone)
        return dropped

    def _release(self, run: OperationRun) -> None:
        if self._running.pop(run.id, None) is not None:
            self._free += 1
            self._pump_soon()
        for future in (run.forked, run.ended):
            if not future.done():
                future.set_result(None)

    def _notify(
        self,
        run: OperationRun,
        state: OperationState,
        result: Any = None,
        failure: Failure | None = None,
    ) -> None:
        listener = self._listeners.get(run.execution_id)
        if listener is not None:
            update = {"id": run.id, "attempt": run.attempt, "state": str(state)}
            listener(update | {"result": result, "failure": asdict(failure) if failure else None})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("an operation's bookkeeping failed", exc_info=task.exception())

    # What the runner reports (OperationSink).

    def started(self, operation_id: str, pid: int) -> None:
        run = self._running[operation_id]
        run.pid = pid
        run.pid_timer = asyncio.get_running_loop().call_later(PID_AFTER, self._store_pid, run)

    def message(self, operation_id: str, message: dict[str, Any]) -> None:
        run = self._running[operation_id]
        id, text = run.execution_id, str(message.get("message", ""))
        if message["type"] == "log":
            logger, level = str(message.get("logger", "operation")), str(message.get("level", "info"))
            self._recorder.log(id, level, text, logger=logger, **run.subject)
        else:
            self._recorder.event(id, str(message.get("event_type") or "plugin_event"), text, **run.subject)

    async def call(self, operation_id: str, method: str, args: dict[str, Any]) -> Any:
        run = self._running[operation_id]
        return await self._rpc.handle(run.snapshot, method, args, scope=run.scope)

    def signalled(self, operation_id: str, signum: int, reason: str) -> None:
        run = self._running[operation_id]
        run.signals.append(signum)
        self._recorder.event(**run.signalled(signum, reason))

    def ended(self, operation_id: str, end: OperationEnd) -> None:
        run = self._running[operation_id]
        if run.pid_timer is not None:
            run.pid_timer.cancel()
        if run.signals:
            self._recorder.event(**run.dead(end))
        if end.exit_status is not None and end.exit_status.signal is not None:
            # It could not tidy up itself.
            self._spawn(asyncio.to_thread(remove_abandoned))
        if self._closing:
            # Not its own end: the manager's. The next start books it as lost, and runs it again where it may.
            self._release(run)
            return
        self._recorder.flush()
        self._store_end(run, end).add_done_callback(partial(self._end_stored, run, end))

    def _store_end(self, run: OperationRun, end: OperationEnd) -> asyncio.Future[EndResult]:
        return self._store.write(
            operations.end,
            run.id,
            run.attempt,
            state=OperationState(end.state),
            result=end.result,
            failure=asdict(end.failure) if end.failure else None,
            updates=end.updates,
            now=self._clock(),
        )

    def _end_stored(self, run: OperationRun, end: OperationEnd, write: asyncio.Future[EndResult]) -> None:
        error = write.exception()
        if error is None:
            self._end_recorded(run, end, write)
            return
        if self._closing:
            return  # The next start books it as lost.
        # An end that makes no sense. The operation is over all the same, and whoever waits for it is told.
        log.error("the end of operation %s could not be stored", run.id, exc_info=error)
        message = f"What the operation said at its end could not be stored: {type(error).__name__}: {error}"
        instead = OperationEnd("failed", failure=Failure(message, recoverable=False, kind="InvalidEnd"))
        self._store_end(run, instead).add_done_callback(partial(self._end_recorded, run, instead))

    def _end_recorded(self, run: OperationRun, end: OperationEnd, write: asyncio.Future[EndResult]) -> None:
        stored = write.result()
        self._release(run)
        if stored.conflict:
            self._notify(run, OperationState.FAILED, failure=CONFLICT)
        else:
            self._notify(run, OperationState(end.state), end.result, end.failure)
        self._recorder.changed(run.execution_id, "operations")

    def _store_pid(self, run: OperationRun) -> None:
        if run.pid is not None:
            # Nobody waits for it: what may go wrong with it is logged by the loop.
            self._store.write(operations.set_pid, run.id, run.attempt, run.pid)


CONFLICT = Failure(
    "The node instance's runtime properties were changed by somebody else while the operation ran, "
    "so those that it set were not stored.",
    recoverable=True,
    kind="Conflict",
)


def _grant(conn: Connection, wanted: list[OperationRun], worker: str, now: datetime) -> dict[str, Subjects]:
    """Grant what may start, and read the node instances that it is about, in the same transaction."""
    asked = {run.id: _ask_subjects(conn, run) for run in wanted}
    granted = operations.grant(conn, [run.key for run in wanted], worker, now)
    return {id: _subjects(readers) for id, readers in asked.items() if id in granted}


def _ask_subjects(conn: Connection, run: OperationRun) -> dict[str, Callable[[], NodeInstance]]:
    tenant = run.snapshot.execution.tenant
    ids = [str(id) for id in run.scope.values() if id is not None]
    return {id: deployments.ask_instance(conn, tenant, id) for id in ids}


def _subjects(readers: dict[str, Callable[[], NodeInstance]]) -> Subjects:
    try:
        return {id: read() for id, read in readers.items()}
    except NotFound as error:
        # Its deployment was deleted by force, say. That is this operation's trouble, and not that of those
        # that are granted with it.
        return error
