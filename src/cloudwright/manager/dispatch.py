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
from cloudwright.manager.assignment import Assignment
from cloudwright.manager.briefing import Facts
from cloudwright.manager.calls import Calls
from cloudwright.manager.environments import OPERATIONS, Environment, Environments
from cloudwright.manager.recorder import Recorder
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
        recorder: Recorder,
        environments: Environments,
        calls: Calls,
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
        self._calls = calls
        self._worker = worker
        self._workdirs = home / WORKDIRS
        self._workdirs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._free = slots
        self._memory_limit = memory_limit
        self._clock = clock
        self._runner = Runner(self, kill_grace=kill_grace)
        self._waiting: deque[Assignment] = deque()
        self._running: dict[str, Assignment] = {}
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
        for assignment in self._drop_waiting(execution_id):
            self._tell(assignment, OperationState.CANCELLED)

    def send(self, facts: Facts, term: int, accepted: Iterable[dict[str, Any]]) -> None:
        """Run operations that are stored as ``sent`` under ``term``."""
        self._waiting.extend(Assignment(facts, term, operation) for operation in accepted)
        self._pump_soon()

    def cancel(self, execution_id: str, mode: CancelMode) -> None:
        """Let the execution's running operations know that it was asked to stop."""
        for assignment in self._of(execution_id):
            self._runner.cancel(assignment.id, str(mode))

    async def kill(self, execution_id: str, term: int, reason: str) -> list[str]:
        """End every operation that the execution sent under ``term`` or before, and wait until their process
        groups are gone and their ends are stored.

        Answers the ids of those that could not be ended: each is an event of the execution too.
        """
        terms = self._killing.setdefault(execution_id, [])
        terms.append(term)
        self._drop_waiting(execution_id, term)
        targets = [assignment for assignment in self._of(execution_id) if assignment.term <= term]
        try:
            gone = await asyncio.gather(*(self._kill_one(assignment, reason) for assignment in targets))
        finally:
            # From here on the database refuses whatever else there may be: it is over, or being ended by
            # force.
            terms.remove(term)
            if not terms:
                self._killing.pop(execution_id, None)
        return [assignment.id for assignment, ended in zip(targets, gone, strict=True) if not ended]

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
        for assignment in self._running.values():
            if assignment.pid_timer is not None:
                assignment.pid_timer.cancel()
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
        batch: list[Assignment] = []
        while self._waiting and self._free > 0:
            assignment = self._waiting.popleft()
            self._free -= 1
            self._running[assignment.id] = assignment
            batch.append(assignment)
        if batch:
            self._recorder.flush()
            self._ask_for(batch)

    def _ask_for(self, batch: list[Assignment]) -> None:
        # A callback, and no task: most of an operation's way is short steps, and a task costs more than each.
        grant = self._store.write(_grant, batch, self._worker, self._clock())
        grant.add_done_callback(partial(self._granted, batch))

    def _granted(self, batch: list[Assignment], grant: asyncio.Future[dict[str, Subjects]]) -> None:
        if self._closing:
            return
        error = grant.exception()
        if error is None:
            self._start(batch, grant.result())
        elif len(batch) > 1:
            # It is one of them that cannot be granted, and not the others.
            for assignment in batch:
                self._ask_for([assignment])
        else:
            log.error("operation %s could not be granted", batch[0].id, exc_info=error)
            self._refuse(batch[0], error)

    def _start(self, batch: list[Assignment], granted: dict[str, Subjects]) -> None:
        for assignment in batch:
            instances = granted.get(assignment.id)
            if instances is None:
                # Revoked meanwhile: its execution ended, was forced, or has another owner. Nothing was
                # forked.
                self._release(assignment)
                self._tell(assignment, OperationState.CANCELLED)
            else:
                self._tell(assignment, OperationState.STARTED)
                self._spawn(self._launch(assignment, instances))
        for execution_id in {assignment.execution_id for assignment in batch}:
            self._recorder.changed(execution_id, "operations")

    def _refuse(self, assignment: Assignment, error: BaseException) -> None:
        """Nothing was stored, and nothing was forked: whoever waits for the operation is told so."""
        message = f"The operation could not be started: {error}"
        failure = Failure(message, recoverable=False, kind=type(error).__name__)
        self._release(assignment)
        self._tell(assignment, OperationState.FAILED, failure=failure)

    async def _launch(self, assignment: Assignment, instances: Subjects) -> None:
        operation = assignment.operation
        try:
            if isinstance(instances, CloudwrightError):
                raise instances
            environment, inputs = await self._prepared(assignment)
            await self._runner.run(
                environment.zygote,
                assignment.id,
                assignment.begin(environment.code, inputs, self._workdir(assignment), instances),
                cwd=str(assignment.facts.blueprint_path),
                memory_limit=self._memory_limit,
                timeout=operation.get("timeout"),
                timeout_recoverable=bool(operation.get("timeout_recoverable")),
            )
        except Exception as error:
            # Whatever it is: an operation that is granted and never ends would be waited for for ever.
            if not isinstance(error, CloudwrightError):
                log.exception("operation %s could not be started", assignment.id)
            message = f"The operation could not be started: {error}"
            failure = Failure(message, recoverable=False, kind=type(error).__name__)
            self.ended(assignment.id, OperationEnd("failed", None, failure, []))
        finally:
            if not assignment.forked.done():
                assignment.forked.set_result(None)

    async def _prepared(self, assignment: Assignment) -> tuple[Environment, dict[str, Any]]:
        """Where to fork it, and its inputs. May take long (an installation), so a kill interrupts it."""
        assignment.preparing = asyncio.current_task()
        try:
            if self._dooms(assignment):
                raise Killed
            return await self._prepare(assignment)
        except asyncio.CancelledError:
            if not self._dooms(assignment):
                raise
            raise Killed from None
        finally:
            assignment.preparing = None

    async def _prepare(self, assignment: Assignment) -> tuple[Environment, dict[str, Any]]:
        operation, facts = assignment.operation, assignment.facts
        environment = await self._environments.open(
            OPERATIONS, assignment.plugin, facts.blueprint_path, facts.codes
        )
        inputs = operation["inputs"]
        if operation.get("evaluate"):
            inputs = await self._calls.evaluate_inputs(facts, inputs, assignment.scope)
        return environment, inputs

    def _workdir(self, assignment: Assignment) -> str:
        """The plugin's own folder for this deployment: the operation makes it when it asks for it."""
        execution = assignment.facts.execution
        plugin = str(assignment.operation["plugin"])
        return os.path.join(self._workdirs, execution.tenant, str(execution.deployment_id), plugin)

    async def _kill_one(self, assignment: Assignment, reason: str) -> bool:
        if assignment.preparing is not None:
            assignment.preparing.cancel()
        # One that is being forked is waited for: it takes milliseconds, and then it can be hit.
        await assignment.forked
        gone = await self._runner.kill(assignment.id, reason)
        if gone:
            await assignment.ended
        else:
            self._recorder.event(**assignment.survived())
        return gone

    def _of(self, execution_id: str) -> list[Assignment]:
        return [
            assignment for assignment in self._running.values() if assignment.execution_id == execution_id
        ]

    def _dooms(self, assignment: Assignment) -> bool:
        return assignment.term <= max(self._killing.get(assignment.execution_id, ()), default=0)

    def _drop_waiting(self, execution_id: str, term: int | None = None) -> list[Assignment]:
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

    def _release(self, assignment: Assignment) -> None:
        if self._running.pop(assignment.id, None) is not None:
            self._free += 1
            self._pump_soon()
        for future in (assignment.forked, assignment.ended):
            if not future.done():
                future.set_result(None)

    def _tell(
        self,
        assignment: Assignment,
        state: OperationState,
        result: Any = None,
        failure: Failure | None = None,
    ) -> None:
        listener = self._listeners.get(assignment.execution_id)
        if listener is not None:
            update = {"id": assignment.id, "attempt": assignment.attempt, "state": str(state)}
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
        assignment = self._running[operation_id]
        assignment.pid = pid
        assignment.pid_timer = asyncio.get_running_loop().call_later(PID_AFTER, self._store_pid, assignment)

    def message(self, operation_id: str, message: dict[str, Any]) -> None:
        assignment = self._running[operation_id]
        id, text = assignment.execution_id, str(message.get("message", ""))
        if message["type"] == "log":
            logger, level = str(message.get("logger", "operation")), str(message.get("level", "info"))
            self._recorder.log(id, level, text, logger=logger, **assignment.subject)
        else:
            self._recorder.event(
                id, str(message.get("event_type") or "plugin_event"), text, **assignment.subject
            )

    async def call(self, operation_id: str, method: str, args: dict[str, Any]) -> Any:
        assignment = self._running[operation_id]
        return await self._calls.answer(assignment.facts, method, args, scope=assignment.scope)

    def signalled(self, operation_id: str, signum: int, reason: str) -> None:
        assignment = self._running[operation_id]
        assignment.signals.append(signum)
        self._recorder.event(**assignment.signalled(signum, reason))

    def ended(self, operation_id: str, end: OperationEnd) -> None:
        assignment = self._running[operation_id]
        if assignment.pid_timer is not None:
            assignment.pid_timer.cancel()
        if assignment.signals:
            self._recorder.event(**assignment.dead(end))
        if end.exit_status is not None and end.exit_status.signal is not None:
            # It could not tidy up itself.
            self._spawn(asyncio.to_thread(remove_abandoned))
        if self._closing:
            # Not its own end: the manager's. The next start books it as lost, and runs it again where it may.
            self._release(assignment)
            return
        self._recorder.flush()
        self._store_end(assignment, end).add_done_callback(partial(self._end_stored, assignment, end))

    def _store_end(self, assignment: Assignment, end: OperationEnd) -> asyncio.Future[EndResult]:
        return self._store.write(
            operations.end,
            assignment.id,
            assignment.attempt,
            state=OperationState(end.state),
            result=end.result,
            failure=asdict(end.failure) if end.failure else None,
            updates=end.updates,
            now=self._clock(),
        )

    def _end_stored(
        self, assignment: Assignment, end: OperationEnd, write: asyncio.Future[EndResult]
    ) -> None:
        error = write.exception()
        if error is None:
            self._booked(assignment, end, write)
            return
        if self._closing:
            return  # The next start books it as lost.
        # An end that makes no sense. The operation is over all the same, and whoever waits for it is told.
        log.error("the end of operation %s could not be stored", assignment.id, exc_info=error)
        message = f"What the operation said at its end could not be stored: {type(error).__name__}: {error}"
        instead = OperationEnd("failed", failure=Failure(message, recoverable=False, kind="InvalidEnd"))
        self._store_end(assignment, instead).add_done_callback(partial(self._booked, assignment, instead))

    def _booked(self, assignment: Assignment, end: OperationEnd, write: asyncio.Future[EndResult]) -> None:
        stored = write.result()
        self._release(assignment)
        if stored.conflict:
            self._tell(assignment, OperationState.FAILED, failure=CONFLICT)
        else:
            self._tell(assignment, OperationState(end.state), end.result, end.failure)
        self._recorder.changed(assignment.execution_id, "operations")

    def _store_pid(self, assignment: Assignment) -> None:
        if assignment.pid is not None:
            # Nobody waits for it: what may go wrong with it is logged by the loop.
            self._store.write(operations.set_pid, assignment.id, assignment.attempt, assignment.pid)


CONFLICT = Failure(
    "The node instance's runtime properties were changed by somebody else while the operation ran, "
    "so those that it set were not stored.",
    recoverable=True,
    kind="Conflict",
)


def _grant(conn: Connection, wanted: list[Assignment], worker: str, now: datetime) -> dict[str, Subjects]:
    """Grant what may start, and read the node instances that it is about, in the same transaction."""
    asked = {assignment.id: _ask_subjects(conn, assignment) for assignment in wanted}
    granted = operations.grant(conn, [assignment.key for assignment in wanted], worker, now)
    return {id: _subjects(readers) for id, readers in asked.items() if id in granted}


def _ask_subjects(conn: Connection, assignment: Assignment) -> dict[str, Callable[[], NodeInstance]]:
    tenant = assignment.facts.execution.tenant
    ids = [str(id) for id in assignment.scope.values() if id is not None]
    return {id: deployments.ask_instance(conn, tenant, id) for id in ids}


def _subjects(readers: dict[str, Callable[[], NodeInstance]]) -> Subjects:
    try:
        return {id: read() for id, read in readers.items()}
    except NotFound as error:
        # Its deployment was deleted by force, say. That is this operation's trouble, and not that of those
        # that are granted with it.
        return error
