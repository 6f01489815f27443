"""Records what workers report of operations: events, log lines, and how each ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import Any

from cloudwright.background import TaskSet
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.manager.operation_run import OperationRun
from cloudwright.model.operation import Failure, OperationState
from cloudwright.operation.tempdirs import remove_abandoned
from cloudwright.process.runner import OperationEnd
from cloudwright.storage import operations
from cloudwright.storage.records import EndResult
from cloudwright.storage.store import Store

#: The process id of an operation that runs this long (seconds) is stored; shorter ones end before anybody
#: could look.
PID_AFTER = 0.05

log = logging.getLogger(__name__)


class OperationRecorder:
    """An ``OperationSink`` that stores. ``running`` has the operations that may be reported, by id.

    ``recorded`` is called when an end is stored, with the state that the workflow is to know, the result and
    the failure; ``dropped`` for an end that is not the operation's own but the manager's.
    """

    def __init__(
        self,
        store: Store,
        recorder: EventRecorder,
        rpc: ChildRpc,
        running: Mapping[str, OperationRun],
        clock: Callable[[], datetime],
        *,
        recorded: Callable[[OperationRun, OperationState, Any, Failure | None], None],
        dropped: Callable[[OperationRun], None],
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._rpc = rpc
        self._running = running
        self._clock = clock
        self._recorded = recorded
        self._dropped = dropped
        self._tasks = TaskSet()
        self._closing = False

    async def close(self) -> None:
        """Store no more ends: the next start finds the rows and knows what happened. Call ``stop`` first."""
        for run in self._running.values():
            run.stop_pid_timer()
        await self._tasks.close()

    def stop(self) -> None:
        """From here on an end is the manager's doing, not the operation's."""
        self._closing = True

    # What a worker reports (OperationSink).

    def started(self, operation_id: str, pid: int) -> None:
        run = self._running[operation_id]
        run.pid = pid
        run.pid_timer = asyncio.get_running_loop().call_later(PID_AFTER, self._store_pid, run)

    def message(self, operation_id: str, message: dict[str, Any]) -> asyncio.Future[None]:
        run = self._running[operation_id]
        id, text = run.execution_id, message["message"]
        if message["type"] == "log":
            level, logger = message["level"], message["logger"]
            return self._recorder.log(id, level, text, logger=logger, **run.subject)
        return self._recorder.event(id, message["event_type"], text, **run.subject)

    async def call(self, operation_id: str, method: str, args: dict[str, Any]) -> Any:
        run = self._running[operation_id]
        return await self._rpc.handle(
            run.snapshot, method, args, scope=run.scope, aware=run.aware, operation_id=operation_id
        )

    def signalled(self, operation_id: str, signum: int, reason: str) -> None:
        run = self._running[operation_id]
        run.signals.append(signum)
        self._recorder.event(**run.signalled(signum, reason))

    def ended(self, operation_id: str, end: OperationEnd) -> None:
        run = self._running[operation_id]
        run.stop_pid_timer()
        concealment = run.snapshot.concealment
        if concealment and end.failure is not None:
            end = replace(end, failure=Failure(**concealment.mask_in(asdict(end.failure))))
        if run.signals:
            self._recorder.event(**run.dead(end))
        if end.exit_status is not None and end.exit_status.signal is not None:
            # It could not tidy up itself.
            self._tasks.spawn(
                asyncio.to_thread(remove_abandoned), f"removing the folders of operation {run.id}"
            )
        if self._closing:
            # The next start records it as lost, and runs it again if it may.
            self._dropped(run)
            return
        self._recorder.flush()
        self._record_end(run, end).add_done_callback(partial(self._end_stored, run, end))

    def survived(self, run: OperationRun) -> None:
        """Record that the operation outlived a kill."""
        self._recorder.event(**run.survived())

    def _record_end(self, run: OperationRun, end: OperationEnd) -> asyncio.Future[EndResult]:
        return self._store.write_about(
            (run.execution_id,),
            operations.end,
            run.id,
            run.attempt,
            state=OperationState(end.state),
            result=self._rpc.seal(run.snapshot, end.result),
            failure=asdict(end.failure) if end.failure else None,
            updates=end.updates,
            now=self._clock(),
        )

    def _end_stored(self, run: OperationRun, end: OperationEnd, write: asyncio.Future[EndResult]) -> None:
        error = write.exception()
        if error is None:
            self._report(run, end, write)
            return
        if self._closing:
            return  # The next start records it as lost.
        # Malformed end frame. Mark the operation failed and notify those that wait for it.
        log.error("the end of operation %s could not be stored", run.id, exc_info=error)
        message = f"What the operation said at its end could not be stored: {type(error).__name__}: {error}"
        instead = OperationEnd("failed", failure=Failure(message, recoverable=False, kind="InvalidEnd"))
        self._record_end(run, instead).add_done_callback(partial(self._report, run, instead))

    def _report(self, run: OperationRun, end: OperationEnd, write: asyncio.Future[EndResult]) -> None:
        stored = write.result()
        if stored.failure is not None:
            self._recorded(run, OperationState.FAILED, None, Failure(**stored.failure))
        else:
            self._recorded(run, OperationState(end.state), end.result, end.failure)
        self._recorder.changed(run.execution_id, "operations")

    def _store_pid(self, run: OperationRun) -> None:
        if run.pid is not None:
            # Not awaited: the loop logs what goes wrong with it.
            self._store.write_about((), operations.set_pid, run.id, run.attempt, run.pid)
