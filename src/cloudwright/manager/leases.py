"""The executions that this manager owns: claimed, taken over, and kept by a lease.

Every execution goes the same way, whether it is new, was resumed by a user, or was left behind by a manager
that died: it is owned with the next term, then ``execution_runner`` drives it to its end.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from cloudwright.background import TaskSet
from cloudwright.errors import CloudwrightError
from cloudwright.manager.execution_context import ExecutionSnapshot
from cloudwright.manager.execution_runner import ExecutionRunner, RunningExecution
from cloudwright.manager.reconcile import MODE_OF_STATUS, Hosted
from cloudwright.model.event import EVENT, Event
from cloudwright.model.execution import BROUGHT_DOWN, FORCED_STATUSES, CancelMode, brought_down
from cloudwright.storage import events, manager_queries
from cloudwright.storage.executions import claims, ending
from cloudwright.storage.records import Execution
from cloudwright.storage.store import Connection, Store

#: An execution that ran for so long (seconds) since its manager died did not bring it down.
FORGIVEN_AFTER = 60.0

log = logging.getLogger(__name__)


class Leases:
    """Owns executions, as many as there are places, for as long as ``runner`` drives them.

    There are as many places again for the executions that those wait for, and so on for each depth: what
    waits would otherwise hold the place that is waited for.
    """

    def __init__(
        self,
        store: Store,
        runner: ExecutionRunner,
        *,
        name: str,
        places: int,
        lease: float,
        resumes: bool,
        clock: Callable[[], datetime],
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        """``lease`` is in seconds: how long an execution is this manager's without being renewed. Without
        ``resumes``, executions that were interrupted are ended instead of being run again. While it is
        ``paused``, nothing that waits is started.
        """
        self._store = store
        self._runner = runner
        self._name = name
        self._places = places
        self._resumes = resumes
        self._lease = timedelta(seconds=lease)
        self._clock = clock
        self._paused = paused
        self._owned: dict[str, RunningExecution] = {}
        self._tasks = TaskSet()
        self._filling = asyncio.Lock()
        self._closing = False

    async def fill(self) -> None:
        """Claim and start what is pending, as far as there are places."""
        async with self._filling:
            while not self._closing and not self._paused():
                free = Counter({depth: self._places - taken for depth, taken in self._taken().items()})
                # Those that are being prepared are pending, too.
                preparing = sum(not running.term for running in self._owned.values())
                waiting = await self._store.read(_waiting, max(0, free.get(0, self._places)) + preparing)
                chosen = []
                for id, depth in waiting:
                    if id not in self._owned and free.setdefault(depth, self._places) > 0:
                        free[depth] -= 1
                        chosen.append((id, depth))
                if not chosen:
                    return
                for id, depth in chosen:
                    # Registered before the claim is stored, so that the reconciler never takes it for an
                    # orphan.
                    running = self._register(id, depth)
                    running.preparing = self._tasks.spawn(
                        self._start(running), f"the start of execution {id}"
                    )

    def forget(self, id: str) -> None:
        """Stop preparing a pending execution: it was cancelled."""
        running = self._owned.get(id)
        if running is not None and not running.term and running.preparing is not None:
            running.preparing.cancel()

    async def take_over(self, id: str, term: int) -> None:
        """Own an execution whose owner is gone (``term`` is the last one known), and drive it to its end."""
        await self._await_preparation(id)
        if self._closing or id in self._owned:
            return
        running = self._register(id, 0)
        try:
            execution = await self._store.write_about(
                (id,), _take_over, id, term, self._name, self._until(), self._clock()
            )
        except BaseException:
            del self._owned[id]
            raise
        if execution is None:
            del self._owned[id]
            return
        self._begin(running, execution)
        running.refusal = self._refusal(execution)
        self._tasks.spawn(self._drive(running, execution), f"execution {id}")

    async def _await_preparation(self, id: str) -> None:
        """Wait until the start of an execution, which was cancelled while it was prepared, is given up."""
        running = self._owned.get(id)
        if running is not None and not running.term and running.preparing is not None:
            running.preparing.cancel()
            await asyncio.wait([running.preparing])

    def _refusal(self, execution: Execution) -> str | None:
        """Return why an execution that was interrupted is not to be run again by itself."""
        if execution.is_idle:
            return "It was cancelled while it waited to be resumed, so its workflow was not run."
        if brought_down(execution.crashes):
            text = BROUGHT_DOWN.format(id=execution.id)
            return f"{text} Resume it with `cfy executions resume --force` to try once more."
        if not self._resumes:
            return (
                "It was interrupted, and its manager was started with --no-resume. "
                "Resume it with `cfy executions resume`."
            )
        return None

    async def forgive_crashes(self) -> None:
        """Count no crash against what has run for a while since its manager died."""
        now = time.monotonic()
        for running in list(self._owned.values()):
            if running.suspect_since is not None and now - running.suspect_since >= FORGIVEN_AFTER:
                running.suspect_since = None
                await self._store.write_about((), claims.forgive_crashes, running.id, running.term)

    async def renew(self) -> None:
        """Extend the lease on everything owned; what turns out to be owned by another is abandoned."""
        mine = [(item.id, item.term) for item in self._owned.values() if item.term]
        if mine:
            kept = await self._store.write_about((), claims.renew, self._name, mine, self._until())
            for id, _ in mine:
                if id not in kept:
                    await self.abandon(id)

    async def abandon(self, id: str) -> None:
        """End the process of an execution that is not ours any more, without storing anything."""
        running = self._owned.get(id)
        if running is None or running.abandoned:
            return
        owner = await self._store.read(_owner, id)
        if owner != (self._name, running.term):
            self._runner.abandon(running)

    def apply_cancel(self, id: str, term: int, mode: CancelMode) -> None:
        """A cancellation of this strength is stored for the execution under this term: carry it out.

        Repeating it does nothing, and neither does one that speaks of an earlier term.
        """
        running = self._owned.get(id)
        if running is not None and running.term == term:
            self._runner.apply_cancel(running, mode)

    def retry(self, id: str, term: int, by: str) -> None:
        """Let the execution's workflow try again at once what waits for that."""
        running = self._owned.get(id)
        if running is not None and running.term == term and running.host is not None:
            running.host.retry(by)

    def hosted(self) -> dict[str, Hosted]:
        return {
            item.id: Hosted(item.id, item.term, item.cancel_mode)
            for item in self._owned.values()
            if item.term
        }

    async def prepared(self) -> None:
        """Wait for the processes of all that is owned by now."""
        # Each begins to be prepared by a task of its own.
        await asyncio.sleep(0)
        preparing = [item.preparing for item in self._owned.values() if item.term and item.preparing]
        if preparing:
            await asyncio.wait(preparing)

    async def close(self) -> None:
        """End every workflow's process and store no end: their next owner resumes the executions."""
        self._closing = True
        owned = [(running.id, running.term) for running in self._owned.values() if running.term]
        for running in self._owned.values():
            self._runner.abandon(running)
        await self._tasks.join()
        await self._runner.close()
        if owned:
            await self._store.write_about((), claims.release, self._name, owned)

    @property
    def busy(self) -> bool:
        return bool(self._owned)

    def count(self) -> int:
        """Return how many executions are owned."""
        return len(self._owned)

    def _until(self) -> datetime:
        return self._clock() + self._lease

    def _register(self, id: str, depth: int) -> RunningExecution:
        running = self._owned[id] = RunningExecution(id, depth=depth)
        return running

    def _taken(self) -> Counter[int]:
        """Count what is owned by its depth."""
        return Counter(running.depth for running in self._owned.values())

    async def _start(self, running: RunningExecution) -> None:
        """Prepare a pending execution, claim it, and drive it to its end.

        It is not `started` before its workflow could run: until then a request to cancel ends it at once.
        """
        try:
            execution = await self._store.write_about((), manager_queries.get, running.id)
            try:
                snapshot = await self._runner.prepare(execution)
            except Exception as error:
                if not isinstance(error, CloudwrightError):
                    log.exception("execution %s could not be prepared", running.id)
                message = f"The workflow could not be started: {error}"
                await self._store.write_about(
                    (running.id,), ending.fail_pending, running.id, message, self._clock()
                )
                self._runner.announce_end(running)
                return
            claimed = await self._store.write_about(
                (running.id,), _claim, execution, self._name, self._until(), self._clock()
            )
            if claimed is not None:
                self._begin(running, claimed)
                running.preparing = None
        finally:
            if not running.term:
                self._owned.pop(running.id, None)
        if claimed is not None:
            await self._drive(running, claimed, snapshot)

    def _begin(self, running: RunningExecution, execution: Execution) -> None:
        running.term, running.depth = execution.term, execution.depth
        running.suspect_since = time.monotonic() if execution.crashes else None
        self._runner.apply_cancel(running, MODE_OF_STATUS.get(execution.status))

    async def _drive(
        self, running: RunningExecution, execution: Execution, snapshot: ExecutionSnapshot | None = None
    ) -> None:
        try:
            await self._runner.drive(running, execution, snapshot)
        finally:
            self._owned.pop(running.id, None)
        self._runner.announce_end(running)


def _waiting(conn: Connection, places: int) -> list[tuple[str, int]]:
    """Return what waits to be claimed, with its depth."""
    topmost = manager_queries.pending(conn, places) if places else []
    return [*((id, 0) for id in topmost), *manager_queries.pending_children(conn)]


def _claim(
    conn: Connection, pending: Execution, owner: str, lease: datetime, now: datetime
) -> Execution | None:
    expires = None if pending.timeout is None else now + timedelta(seconds=pending.timeout)
    execution = claims.claim(conn, pending.id, owner, lease, now, expires)
    if execution is not None:
        events.add(conn, [_started(execution, now)])
    return execution


def _started(execution: Execution, now: datetime) -> Event:
    verb = "was resumed" if execution.term > 1 else "started"
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
    execution = claims.take_over(conn, id, old_term=term, owner=owner, lease_until=lease, now=now)
    if execution is not None:
        what = "is being ended" if execution.status in FORCED_STATUSES else "is resumed"
        message = f"Its owner was lost; the execution was taken over by manager `{owner}` and {what}."
        details = {"term": execution.term, "owner": owner, "status": str(execution.status)}
        events.add(conn, [Event(id, now, message, event_type="execution_taken_over", details=details)])
    return execution


def _owner(conn: Connection, id: str) -> tuple[str | None, int]:
    row = manager_queries.get(conn, id)
    return row.owner, row.term
