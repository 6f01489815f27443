"""Makes what runs agree with what is stored: at start, on a timer, and whenever a message may have been lost.

``reconcile`` decides; this reads what it needs, applies what it says, and listens to the control topics,
which say the same things sooner.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cloudwright.background import TaskSet
from cloudwright.bus import topics
from cloudwright.bus.protocol import OVERFLOW, Bus
from cloudwright.manager.deadlines import Deadline, Deadlines, boottime
from cloudwright.manager.dispatcher import Dispatcher
from cloudwright.manager.executions import accepted, default_grace, push_cancel
from cloudwright.manager.leases import Leases
from cloudwright.manager.reconcile import (
    Abandon,
    Action,
    ApplyCancel,
    Escalate,
    KillResiduals,
    Row,
    Snapshot,
    StartWaiting,
    TakeOver,
    reconcile,
)
from cloudwright.model.execution import CancelMode, ExecutionStatus
from cloudwright.model.operation import LOST
from cloudwright.process import orphans
from cloudwright.process.cgroups import Cgroups
from cloudwright.process.process_table import child_key
from cloudwright.storage import manager_queries, managers, operations
from cloudwright.storage.executions import admission, cancellation
from cloudwright.storage.records import CancelResult, Execution, Operation
from cloudwright.storage.store import Connection, Store

#: What is due now and cannot be done now is not tried again sooner than this (seconds).
MIN_PAUSE = 0.02

log = logging.getLogger(__name__)


class ReconcileLoop:
    def __init__(
        self,
        store: Store,
        bus: Bus,
        leases: Leases,
        dispatcher: Dispatcher,
        *,
        name: str,
        interval: float,
        lease: float,
        clock: Callable[[], datetime],
        elapsed: Callable[[], float] = boottime,
        cgroups: Cgroups | None = None,
    ) -> None:
        self._store = store
        self._bus = bus
        self._leases = leases
        self._dispatcher = dispatcher
        self._name = name
        self._interval = interval
        self._lease = lease
        self._deadlines = Deadlines(elapsed)
        self._cgroups = cgroups
        self._clock = clock
        self._wake = asyncio.Event()
        self._looked = asyncio.Event()
        # What fails is made good by the next look.
        self._tasks = TaskSet(on_failure=self._wake.set)
        # The stored kills that were carried out, until nothing of them is stored any more.
        self._killing: set[tuple[str, int]] = set()
        self._awaits_scheduled = False

    @property
    def awaits_scheduled(self) -> bool:
        """Whether an execution is to be started at a given time."""
        return self._awaits_scheduled

    async def start(self) -> None:
        """End what a dead predecessor left running, then put everything it owned back on its way."""
        await self._kill_orphans()
        self._tasks.spawn(self._listen(), "listening for requests")
        self._tasks.spawn(self._tick(), "the reconcile loop")
        self._tasks.spawn(self._keep_leases(), "renewing leases")

    async def carried_on(self) -> None:
        """Wait until what ``start`` put back on its way has its processes."""
        await self._looked.wait()
        await self._leases.prepared()

    async def close(self) -> None:
        await self._tasks.close()

    async def _kill_orphans(self) -> None:
        """Kill operations orphaned by the previous run of this manager and mark them lost."""
        left, owned = await self._store.read(_left_behind, self._name)
        children = {child_key(operation.id, operation.attempt): operation.id for operation in left}
        children |= {child_key(id): id for id in owned}
        alive: set[str] = set()
        if children:
            found = await asyncio.to_thread(orphans.find, children, self._cgroups)
            survivors = await orphans.kill(found)
            if found:
                names = {orphan.name for orphan in found}
                log.warning("ended what an earlier manager had left running of %s", ", ".join(sorted(names)))
            for orphan in survivors:
                log.error("processes %s of %s, of an earlier manager, live on", orphan.pids, orphan.name)
                # It runs, so it is not marked lost.
                alive.add(orphan.name)
        lost = [operation.id for operation in left if operation.id not in alive]
        if lost:
            await self._store.write_about((), operations.lose, lost, LOST.message, self._clock())

    async def _tick(self) -> None:
        while True:
            self._wake.clear()
            pause = self._interval
            try:
                await self.reconcile()
                await self._leases.forgive_crashes()
                pause = await self._pause()
            except Exception:
                # It must survive every error: all guarantees rest on it.
                log.exception("the reconciler failed; it is tried again in %s s", self._interval)
            self._looked.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _pause(self) -> float:
        """Return the seconds until the next look: fewer than usual if something is due by then."""
        pauses = [self._interval]
        scheduled = await self._store.read(manager_queries.next_scheduled)
        self._awaits_scheduled = scheduled is not None
        if scheduled is not None:
            pauses.append((scheduled - self._clock()).total_seconds())
        deadline = self._deadlines.next()
        if deadline is not None:
            pauses.append(deadline)
        return max(MIN_PAUSE, min(pauses))

    async def reconcile(self) -> None:
        """Compare once, and put right what is not."""
        now = self._clock()
        before = frozenset(self._leases.hosted())
        rows, deadlines, kills, waiting, due = await self._store.read(_rows, self._name, now)
        self._deadlines.watch(deadlines, now)
        if due:
            await self._store.write_about((), admission.due, now)
            waiting = True
        hosted = self._leases.hosted()
        self._killing &= kills
        snapshot = Snapshot(
            self._name,
            rows,
            hosted,
            before & hosted.keys(),
            waiting,
            kills,
            frozenset(self._killing),
            self._deadlines.passed(),
        )
        for action in reconcile(snapshot, now):
            try:
                await self._apply(action)
            except Exception:
                # One that fails must not keep the others from their turn.
                log.exception("%s could not be done; it is tried again in %s s", action, self._interval)

    async def _apply(self, action: Action) -> None:
        match action:
            case TakeOver(id, term):
                await self._leases.take_over(id, term)
            case ApplyCancel(id, term, mode):
                self._leases.apply_cancel(id, term, mode)
            case Abandon(id):
                await self._leases.abandon(id)
            case Escalate(deadline):
                id = deadline.execution_id
                mode = CancelMode.CANCEL if deadline.of_age else CancelMode.FORCE
                with self._dispatcher.hold(id):
                    result = await self._store.write_about((id,), _escalate, deadline, self._clock())
                    for stored in accepted(result) if result is not None else ():
                        self._dispatcher.revoke_granted(stored.execution.id)
                if result is not None:
                    self._leases.apply_cancel(id, result.execution.term, mode)
                    push_cancel(self._bus, result, mode)
            case KillResiduals(id, term):
                self._spawn_kill(id, term)
            case StartWaiting():
                await self._leases.fill()

    async def _listen(self) -> None:
        """What is stored is pushed here; a message that is lost on the way is made good by ``_tick``."""
        patterns = (topics.WORK, topics.control(self._name), topics.control(topics.EVERYBODY))
        async with self._bus.subscribe(*patterns) as subscription:
            async for subject, message in subscription:
                try:
                    self._on_message(subject, message)
                except Exception:
                    log.exception("a message under %s makes no sense: %r", subject, message)

    def _on_message(self, subject: str, message: dict[str, Any]) -> None:
        if subject == OVERFLOW:
            self._wake.set()
        elif subject == topics.WORK:
            if "ended" in message:
                self._leases.forget(message["ended"])
            self._tasks.spawn(self._leases.fill(), "starting pending executions")
        elif "unowned" in message:
            self._wake.set()
        elif "kill" in message:
            self._spawn_kill(message["kill"], message["term"])
        elif "retry" in message:
            self._leases.retry(message["retry"], message["term"], message["by"])
        else:
            self._leases.apply_cancel(message["execution"], message["term"], CancelMode(message["mode"]))
            if message["deadline"]:
                # The timer has to be set again.
                self._wake.set()

    def _spawn_kill(self, execution_id: str, term: int) -> None:
        self._tasks.spawn(self._kill_residuals(execution_id, term), f"the kill of what {execution_id} left")

    async def _kill_residuals(self, execution_id: str, term: int) -> None:
        reason = "a kill of what its execution left running was requested"
        # What withstands it is an event, and is not tried again unless a user asks again: SIGKILL is on its
        # way.
        self._killing.add((execution_id, term))
        try:
            await self._dispatcher.kill(execution_id, term, reason)
        except Exception:
            self._killing.discard((execution_id, term))
            log.exception(
                "what execution %s left running could not be killed; it is tried again in %s s",
                execution_id,
                self._interval,
            )

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self._lease / 3)
            try:
                await self._leases.renew()
            except Exception:
                log.exception("the leases could not be renewed; it is tried again in %s s", self._lease / 3)


def _left_behind(conn: Connection, name: str) -> tuple[list[Operation], list[str]]:
    left = [operation for operation in operations.running(conn) if operation.worker == name]
    owned = [execution.id for execution in manager_queries.active(conn) if execution.owner == name]
    return left, owned


def _rows(
    conn: Connection, name: str, now: datetime
) -> tuple[tuple[Row, ...], list[Deadline], frozenset[tuple[str, int]], bool, bool]:
    active = manager_queries.active(conn)
    others = any(row.owner not in (None, name) for row in active)
    alive = managers.alive(conn) if others else frozenset()
    rows = tuple(
        Row(row.id, row.status, row.term, row.owner, row.lease_until, row.owner in alive) for row in active
    )
    deadlines = [deadline for row in active if (deadline := _deadline(row)) is not None]
    scheduled = manager_queries.next_scheduled(conn)
    kills = frozenset(manager_queries.kills(conn, name))
    return (
        rows,
        deadlines,
        kills,
        bool(manager_queries.pending(conn, 1) or manager_queries.pending_children(conn)),
        scheduled is not None and scheduled <= now,
    )


def _deadline(row: Execution) -> Deadline | None:
    """Return when the execution is to be cancelled or forced, if it is to be."""
    if row.status is ExecutionStatus.STARTED and row.timeout is not None and row.expires_at is not None:
        return Deadline(row.id, row.expires_at - timedelta(seconds=row.timeout), row.expires_at, of_age=True)
    if row.status is not ExecutionStatus.CANCELLING or row.deadline is None:
        return None
    return Deadline(row.id, row.cancel_requested_at or row.deadline, row.deadline)


def _escalate(conn: Connection, deadline: Deadline, now: datetime) -> CancelResult | None:
    """Cancel an execution that is too old, or force one whose grace is over; None if it has ended, or was
    resumed, since.
    """
    id = deadline.execution_id
    execution = manager_queries.get(conn, id)
    if _deadline(execution) != deadline:
        return None
    if deadline.of_age:
        grace = default_grace(conn, execution)
        until = None if grace is None else now + timedelta(seconds=grace)
        return cancellation.request_cancel(
            conn, id, CancelMode.CANCEL, by="its timeout", now=now, deadline=until
        )
    return cancellation.request_cancel(conn, id, CancelMode.FORCE, by="its deadline", now=now)
