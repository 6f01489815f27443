"""The executions that this manager owns: claimed, run in a process of their own, and brought to their end.

Every execution goes the same way, whether it is new, was resumed by a user, or was left behind by a manager
that died: it is owned with the next term, its workflow's process is run by a host, and its end is stored in
one transaction once that process is dead. A forced or killed one only skips what is not needed any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from cloudwright.bus.protocol import Bus
from cloudwright.errors import CloudwrightError
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.dispatch import Dispatcher
from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.manager.execution_context import (
    chunked,
    read_progress,
    read_snapshot,
    workflow_begin,
    workflow_of,
)
from cloudwright.manager.executions import WORK
from cloudwright.manager.plugin_environments import WORKFLOWS, PluginEnvironments
from cloudwright.manager.reconcile import MODE_OF_STATUS, STRENGTH, Hosted
from cloudwright.manager.workflow_journal import WorkflowJournal
from cloudwright.model.event import EVENT, Event
from cloudwright.model.execution import FORCED_STATUSES, CancelMode, Outcome
from cloudwright.process.supervisor import Zygote
from cloudwright.settings import Settings
from cloudwright.storage import events, executions, operations
from cloudwright.storage.records import Execution
from cloudwright.storage.store import Store
from cloudwright.workflow.host import Host, WorkflowEnd

T = TypeVar("T")

FORCED_MODES = frozenset({CancelMode.FORCE, CancelMode.KILL})
log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class RunningExecution:
    """An owned execution. ``cancel_mode`` is the strongest cancellation that was applied to it; ``killed``
    says that its operations were ended too.
    """

    id: str
    term: int = 0
    cancel_mode: CancelMode | None = None
    killed: bool = False
    abandoned: bool = False
    preparing: asyncio.Task[Any] | None = None
    host: Host | None = None
    unreachable: set[str] = field(default_factory=set)

    @property
    def forced(self) -> bool:
        return self.cancel_mode in FORCED_MODES or self.abandoned


class ExecutionRunner:
    def __init__(
        self,
        store: Store,
        bus: Bus,
        recorder: EventRecorder,
        dispatcher: Dispatcher,
        environments: PluginEnvironments,
        rpc: ChildRpc,
        *,
        name: str,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._bus = bus
        self._recorder = recorder
        self._dispatcher = dispatcher
        self._environments = environments
        self._rpc = rpc
        self._name = name
        self._settings = settings
        self._clock = clock
        self._hosted: dict[str, RunningExecution] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._filling = asyncio.Lock()
        self._closing = False

    # Beginning.

    async def fill(self) -> None:
        """Claim and start what is pending, as far as there are places."""
        async with self._filling:
            while not self._closing:
                places = self._settings.max_workflows - len(self._hosted)
                if places <= 0:
                    return
                ids = await self._store.read(executions.pending, places)
                ids = [id for id in ids if id not in self._hosted]
                if not ids:
                    return
                # Registered before the claim is stored, so that the reconciler never takes it for an orphan.
                claimed_here = [self._register(id) for id in ids]
                claim = self._store.write(_claim_all, ids, self._name, self._lease(), self._clock())
                claimed = await self._registered(claim, *claimed_here)
                for running in claimed_here:
                    self._begin(running, claimed.get(running.id))

    async def take_over(self, id: str, term: int) -> None:
        """Own an execution whose owner is gone (``term`` is the last one known), and bring it on or to its
        end.
        """
        if self._closing or id in self._hosted:
            return
        running = self._register(id)
        take = self._store.write(_take_over, id, term, self._name, self._lease(), self._clock())
        self._begin(running, await self._registered(take, running))

    async def _registered(self, write: Awaitable[T], *claimed_here: RunningExecution) -> T:
        """The write's answer; where it fails, what was registered for it is not held on to."""
        try:
            return await write
        except BaseException:
            for running in claimed_here:
                self._hosted.pop(running.id, None)
            raise

    def _register(self, id: str) -> RunningExecution:
        running = self._hosted[id] = RunningExecution(id)
        return running

    def _begin(self, running: RunningExecution, execution: Execution | None) -> None:
        if execution is None:
            self._hosted.pop(running.id, None)
            return
        running.term = execution.term
        self._apply_cancel(running, MODE_OF_STATUS.get(execution.status))
        task = asyncio.ensure_future(self._drive(running, execution))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _lease(self) -> datetime:
        return self._clock() + timedelta(seconds=self._settings.lease)

    # What is asked of it.

    def apply_cancel(self, id: str, term: int, mode: CancelMode) -> None:
        """A cancellation of this strength is stored for the execution under this term: make it so.

        Repeating it does nothing, and neither does one that speaks of an earlier term.
        """
        running = self._hosted.get(id)
        if running is not None and running.term == term:
            self._apply_cancel(running, mode)

    def _apply_cancel(self, running: RunningExecution, mode: CancelMode | None) -> None:
        if STRENGTH[mode] <= STRENGTH[running.cancel_mode] or mode is None:
            return
        running.cancel_mode = mode
        if mode is CancelMode.CANCEL:
            if running.host is not None:
                running.host.cancel(mode)
            self._dispatcher.revoke(running.id)
        else:
            self._stop(running)
        if mode is CancelMode.KILL:
            # At once, beside the end of the workflow's process; ``_end`` joins it.
            self._spawn(self._kill_operations(running))
        else:
            self._dispatcher.cancel(running.id, mode)

    def _stop(self, running: RunningExecution) -> None:
        if running.host is not None:
            running.host.kill()
        elif running.preparing is not None:
            running.preparing.cancel()

    async def abandon(self, id: str) -> None:
        """End the process of an execution that is not ours any more, without storing anything."""
        running = self._hosted.get(id)
        if running is None or running.abandoned:
            return
        row = await self._store.read(_ownership, id)
        if row == (self._name, running.term):
            return
        running.abandoned = True
        self._stop(running)

    def hosted(self) -> dict[str, Hosted]:
        return {
            item.id: Hosted(item.id, item.term, item.cancel_mode)
            for item in self._hosted.values()
            if item.term
        }

    def holds(self, id: str) -> bool:
        return id in self._hosted

    async def renew(self) -> None:
        """Extend the lease on everything owned; what turns out to be owned by another is abandoned."""
        mine = [(item.id, item.term) for item in self._hosted.values() if item.term]
        if mine:
            kept = await self._store.write(executions.renew, self._name, mine, self._lease())
            for id, _ in mine:
                if id not in kept:
                    await self.abandon(id)

    async def close(self) -> None:
        """End every workflow's process and store no end: the executions go on with whoever owns them next."""
        self._closing = True
        for running in self._hosted.values():
            running.abandoned = True
            self._stop(running)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def prepared(self) -> None:
        """Wait for the processes of all that is owned by now."""
        # Each begins to be prepared by a task of its own.
        await asyncio.sleep(0)
        preparing = [item.preparing for item in self._hosted.values() if item.preparing is not None]
        if preparing:
            await asyncio.wait(preparing)

    @property
    def busy(self) -> bool:
        return bool(self._hosted)

    # From the process to the end.

    async def _drive(self, running: RunningExecution, execution: Execution) -> None:
        outcome, error = Outcome.DIED, None
        try:
            end = await self._run(running, execution)
            if end is not None:
                outcome, error = end.outcome, end.error
        except CloudwrightError as problem:
            outcome, error = Outcome.FAILED, f"The workflow could not be started: {problem}"
        except Exception as problem:
            log.exception("execution %s could not be conducted", running.id)
            outcome = Outcome.FAILED
            error = f"The workflow could not be run: {type(problem).__name__}: {problem}"
        try:
            if not running.abandoned:
                await self._end(running, outcome, error)
        finally:
            self._dispatcher.unfollow(running.id)
            self._hosted.pop(running.id, None)
        self._recorder.changed(running.id, "status")
        self._bus.publish(WORK, {})

    async def _run(self, running: RunningExecution, execution: Execution) -> WorkflowEnd | None:
        """Run the workflow's process to its death; None where a forced request came before it was forked."""
        # May take long (a plugin's installation), so a forced request interrupts it.
        preparing = asyncio.ensure_future(self._prepare(running, execution))
        running.preparing = preparing
        if running.forced:
            running.preparing.cancel()
        try:
            zygote, begin, host = await preparing
        except asyncio.CancelledError:
            if running.forced:
                return None
            raise
        if running.forced:
            # It came when the preparation was over and this had not gone on: there was nothing to interrupt.
            return None
        running.host = host
        begin["cancel"] = running.cancel_mode
        end = await host.run(zygote, begin, memory_limit=self._settings.workflow_memory or None)
        if end.outcome is Outcome.DIED or running.forced:
            how = end.exit.describe()
            self._recorder.event(
                running.id,
                "workflow_process_dead",
                f"The workflow's process {end.pid} was seen dead: {how}.",
                details={"pid": end.pid, "exit": how},
            )
        return end

    async def _prepare(
        self, running: RunningExecution, execution: Execution
    ) -> tuple[Zygote, dict[str, Any], Host]:
        """Where to fork the workflow's process, what to tell it, and who will supervise it."""
        # By the writer: it waits for a database that is away, where a reader would fail the execution.
        snapshot = await self._store.write(read_snapshot, execution, self._settings.home)
        plugin = snapshot.plugins.get(workflow_of(snapshot)["plugin"])
        environment = await self._environments.open(
            WORKFLOWS, plugin, snapshot.blueprint_path, snapshot.codes
        )
        journal = WorkflowJournal(
            self._store, self._recorder, self._dispatcher, self._rpc, snapshot, running.term, self._clock
        )
        host = journal.host = Host(running.id, journal)
        # Listening first and reading second: an operation from before that ends in between is reported twice,
        # not lost.
        self._dispatcher.follow(running.id, host.operation)
        instances, graphs, tasks = await self._store.write(read_progress, execution)
        lost = [task.id for task in tasks if task.running and not self._dispatcher.runs(task.id)]
        if lost:
            await self._store.write(operations.lose, lost, LOST, self._clock())
            instances, graphs, tasks = await self._store.write(read_progress, execution)
        begin, parts = chunked(
            workflow_begin(snapshot, self._settings, instances, graphs, resume=execution.term > 1)
        )
        journal.pending_chunks = dict(enumerate(parts))
        begin["plugin"] |= {"version": environment.code.version, "path": list(environment.code.path)}
        return environment.zygote, begin, host

    async def _kill_operations(self, running: RunningExecution) -> None:
        left = await self._dispatcher.kill(running.id, running.term, "a kill of the execution was requested")
        running.unreachable.update(left)

    async def _end(self, running: RunningExecution, outcome: Outcome, error: str | None) -> None:
        while True:
            if running.cancel_mode is CancelMode.KILL:
                # Whether or not a kill ran already: another one ends what was being forked meanwhile, and
                # costs nothing else.
                await self._kill_operations(running)
                running.killed = True
            self._recorder.flush()
            result = await self._store.write(
                executions.finish,
                running.id,
                running.term,
                outcome,
                error=error,
                note=_note(running),
                killed=running.killed,
                now=self._clock(),
            )
            if result is not None and result.kill_first:
                # A kill was stored after we looked: `cancelled` may be stored only once its operations are
                # dead.
                self._apply_cancel(running, CancelMode.KILL)
                continue
            return

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


LOST = (
    "The worker that ran this operation was lost, and its processes were ended. "
    "What it had done by then is not known."
)


def _note(running: RunningExecution) -> str | None:
    if not running.unreachable:
        return None
    return f"These operations could not be ended: {', '.join(sorted(running.unreachable))}."


def _claim_all(
    conn: Connection, ids: list[str], owner: str, lease: datetime, now: datetime
) -> dict[str, Execution]:
    claimed = {}
    for id in ids:
        execution = executions.claim(conn, id, owner, lease, now)
        if execution is not None:
            claimed[id] = execution
    events.add(conn, [_started(execution, now) for execution in claimed.values()])
    return claimed


def _started(execution: Execution, now: datetime) -> Event:
    verb = "goes on" if execution.term > 1 else "starts"
    return Event(
        execution.id,
        now,
        f"Workflow `{execution.workflow_id}` of deployment `{execution.deployment_id}` {verb}.",
        kind=EVENT,
        event_type="workflow_started",
        details={"term": execution.term, "owner": execution.owner},
    )


def _take_over(
    conn: Connection, id: str, term: int, owner: str, lease: datetime, now: datetime
) -> Execution | None:
    execution = executions.take_over(conn, id, old_term=term, owner=owner, lease_until=lease, now=now)
    if execution is not None:
        what = "is brought to its end" if execution.status in FORCED_STATUSES else "goes on"
        message = f"Its owner was lost; the execution was taken over by manager `{owner}` and {what}."
        details = {"term": execution.term, "owner": owner, "status": str(execution.status)}
        events.add(conn, [Event(id, now, message, event_type="execution_taken_over", details=details)])
    return execution


def _ownership(conn: Connection, id: str) -> tuple[str | None, int]:
    row = executions.get(conn, id)
    return row.owner, row.term
