"""Makes what runs agree with what is stored: at start, on a timer, and whenever a message may have been lost.

``reconcile`` decides; this reads what it needs, applies what it says, and listens to the control topics,
which say the same things sooner.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloudwright.bus.protocol import OVERFLOW, Bus, topic
from cloudwright.manager.dispatch import Dispatcher
from cloudwright.manager.execution_runner import LOST, ExecutionRunner
from cloudwright.manager.executions import CONTROL, EVERYBODY, WORK
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
from cloudwright.process import orphans
from cloudwright.storage import executions, operations
from cloudwright.storage.records import Execution, Operation
from cloudwright.storage.store import Store

#: What is due now and cannot be done now is not tried again sooner than this (seconds).
MIN_PAUSE = 0.02

log = logging.getLogger(__name__)


class ReconcileLoop:
    def __init__(
        self,
        store: Store,
        bus: Bus,
        execution_runner: ExecutionRunner,
        dispatcher: Dispatcher,
        *,
        name: str,
        interval: float,
        lease: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._bus = bus
        self._execution_runner = execution_runner
        self._dispatcher = dispatcher
        self._name = name
        self._interval = interval
        self._lease = lease
        self._clock = clock
        self._wake = asyncio.Event()
        self._looked = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        # The stored kills that were carried out, until nothing of them is stored any more.
        self._killing: set[tuple[str, int]] = set()

    async def start(self) -> None:
        """End what a dead predecessor left running, then put everything it owned back on its way."""
        await self._kill_orphans()
        for work in (self._listen(), self._tick(), self._keep_leases()):
            self._spawn(work)

    async def carried_on(self) -> None:
        """Wait until what ``start`` put back on its way has its processes."""
        await self._looked.wait()
        await self._execution_runner.prepared()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _kill_orphans(self) -> None:
        """Operations of an earlier life of this manager are ended before anything is run again, and booked
        as lost.
        """
        left, owned = await self._store.read(_left_behind, self._name)
        names = {operation.id for operation in left} | set(owned)
        if names:
            found = await asyncio.to_thread(orphans.find, names)
            alive = await orphans.kill(found)
            if found:
                log.warning(
                    "ended %d process groups that an earlier manager had left running",
                    len(found) - len(alive),
                )
            for group in alive:
                log.error(
                    "process group %d (%s) of an earlier manager could not be ended", group.pgid, group.name
                )
                # It runs, so it is not booked as lost.
                names.discard(str(group.name))
        lost = [operation.id for operation in left if operation.id in names]
        if lost:
            await self._store.write(operations.lose, lost, LOST, self._clock())

    async def _tick(self) -> None:
        while True:
            self._wake.clear()
            pause = self._interval
            try:
                await self.reconcile()
                pause = await self._pause()
            except Exception:
                # It must go on whatever happens: it is what makes everything else certain.
                log.exception("the reconciler failed; it is tried again in %s s", self._interval)
            self._looked.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _pause(self) -> float:
        """Seconds until the next look: earlier than usual where something is due by then."""
        next_wakeup = await self._store.read(executions.next_wakeup)
        if next_wakeup is None:
            return self._interval
        return min(self._interval, max(MIN_PAUSE, (next_wakeup - self._clock()).total_seconds()))

    async def reconcile(self) -> None:
        """Compare once, and put right what is not."""
        now = self._clock()
        before = frozenset(self._execution_runner.hosted())
        rows, kills, waiting, due = await self._store.read(_rows, self._name, now)
        if due:
            await self._store.write(executions.due, now)
            waiting = True
        hosted = self._execution_runner.hosted()
        self._killing &= kills
        snapshot = Snapshot(
            self._name, rows, hosted, before & hosted.keys(), waiting, kills, frozenset(self._killing)
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
                await self._execution_runner.take_over(id, term)
            case ApplyCancel(id, term, mode):
                self._execution_runner.apply_cancel(id, term, mode)
            case Abandon(id):
                await self._execution_runner.abandon(id)
            case Escalate(id):
                execution = await self._store.write(_escalate, id, self._clock())
                if execution is not None:
                    self._execution_runner.apply_cancel(id, execution.term, CancelMode.FORCE)
                    self._bus.publish(f"execution.{id}", {"kind": "status"})
            case KillResiduals(id, term):
                self._spawn(self._kill_residuals(id, term))
            case StartWaiting():
                await self._execution_runner.fill()

    async def _listen(self) -> None:
        """What is stored is pushed here; a message that is lost on the way is made good by ``_tick``."""
        patterns = (WORK, topic(CONTROL, self._name), topic(CONTROL, EVERYBODY))
        async with self._bus.subscribe(*patterns) as subscription:
            async for subject, message in subscription:
                try:
                    self._on_message(subject, message)
                except Exception:
                    log.exception("a message under %s makes no sense: %r", subject, message)

    def _on_message(self, subject: str, message: dict[str, Any]) -> None:
        if subject == OVERFLOW:
            self._wake.set()
        elif subject == WORK:
            self._spawn(self._execution_runner.fill())
        elif "kill" in message:
            self._spawn(self._kill_residuals(message["kill"], message["term"]))
        else:
            self._execution_runner.apply_cancel(
                message["execution"], message["term"], CancelMode(message["mode"])
            )
            if message["deadline"]:
                # The timer has to be set anew.
                self._wake.set()

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
                await self._execution_runner.renew()
            except Exception:
                log.exception("the leases could not be renewed; it is tried again in %s s", self._lease / 3)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a part of the recovery failed", exc_info=task.exception())
            self._wake.set()


def _left_behind(conn: Connection, name: str) -> tuple[list[Operation], list[str]]:
    left = [operation for operation in operations.running(conn) if operation.worker == name]
    owned = [execution.id for execution in executions.active(conn) if execution.owner == name]
    return left, owned


def _rows(
    conn: Connection, name: str, now: datetime
) -> tuple[tuple[Row, ...], frozenset[tuple[str, int]], bool, bool]:
    rows = tuple(
        Row(row.id, row.status, row.term, row.owner, row.lease_until, row.deadline)
        for row in executions.active(conn)
    )
    next_wakeup = executions.next_wakeup(conn)
    kills = frozenset(executions.kills(conn, name))
    return rows, kills, bool(executions.pending(conn, 1)), next_wakeup is not None and next_wakeup <= now


def _escalate(conn: Connection, id: str, now: datetime) -> Execution | None:
    """Force what is still `cancelling` past its deadline; None where it has ended, or was resumed, since."""
    row = executions.get(conn, id)
    if row.status is not ExecutionStatus.CANCELLING or row.deadline is None or row.deadline > now:
        return None
    return executions.request_cancel(conn, id, CancelMode.FORCE, by="its deadline", now=now).execution
