"""The queue of operations that wait for a slot, and the grant: the write that lets them start."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from cloudwright.errors import NotFound
from cloudwright.manager.operation_run import OperationRun
from cloudwright.manager.workers.protocol import Subjects
from cloudwright.model.topology import NodeInstance
from cloudwright.storage import instances, operations
from cloudwright.storage.store import Connection, Store

log = logging.getLogger(__name__)


class OperationQueue:
    """Operations that wait, and those that hold a slot: from the request of their grant until their end is
    stored. There are ``slots`` for each depth of executions: an operation that waits for another execution
    would otherwise hold the slot that is waited for.

    ``before_grant`` is called before each request. Its outcome is reported for each operation by ``granted``
    (with the node instances that were read), ``revoked`` (the database refused it) or ``refused`` (the
    request itself failed); the latter two have given their slot back by then. ``answered`` follows, with the
    ids of the executions that the request was about.
    """

    def __init__(
        self,
        store: Store,
        worker: str,
        slots: int,
        clock: Callable[[], datetime],
        *,
        before_grant: Callable[[], None],
        granted: Callable[[OperationRun, Subjects], None],
        revoked: Callable[[OperationRun], None],
        refused: Callable[[OperationRun, BaseException], None],
        answered: Callable[[set[str]], None],
        running: dict[str, OperationRun] | None = None,
        is_open: bool = True,
    ) -> None:
        self._store = store
        self._worker = worker
        self._slots = slots
        self._taken = Counter[int]()
        self._clock = clock
        self._before_grant = before_grant
        self._granted = granted
        self._revoked = revoked
        self._refused = refused
        self._after_answer = answered
        #: By the depth of their executions.
        self._waiting: dict[int, deque[OperationRun]] = {}
        #: Those that hold a slot, by id; queues of several workers may share it.
        self.running = {} if running is None else running
        self._mine: set[str] = set()
        self._is_open = is_open
        self._grant_due = False
        self._closing = False

    def __len__(self) -> int:
        return self.waiting + len(self._mine)

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return sum(map(len, self._waiting.values()))

    def add(self, runs: Iterable[OperationRun]) -> None:
        for run in runs:
            self._waiting.setdefault(run.depth, deque()).append(run)
        self._grant_soon()

    def drop(self, execution_id: str, term: int | None = None) -> list[OperationRun]:
        """Take out what waits of an execution, of this term and earlier ones or of any, and return it."""
        return self.take(lambda run: run.execution_id == execution_id and (term is None or run.term <= term))

    def take(self, is_wanted: Callable[[OperationRun], bool]) -> list[OperationRun]:
        """Take out what waits and is wanted, and return it."""
        taken = []
        for depth, waiting in self._waiting.items():
            found = [run for run in waiting if is_wanted(run)]
            if found:
                gone = {id(run) for run in found}
                self._waiting[depth] = deque(run for run in waiting if id(run) not in gone)
                taken += found
        return taken

    def running_of(self, execution_id: str) -> list[OperationRun]:
        return [run for run in self.running.values() if run.execution_id == execution_id]

    def release(self, run: OperationRun) -> None:
        """Give the slot of an operation back, and wake those that wait for its end."""
        if run.id in self._mine:
            self._mine.discard(run.id)
            self._taken[run.depth] -= 1
            self._grant_soon()
        if self.running.get(run.id) is run:
            del self.running[run.id]
        run.finish()

    def hold(self, run: OperationRun) -> None:
        """Give a slot to an operation that is being granted, or was before."""
        self.running[run.id] = run
        self._mine.add(run.id)
        self._taken[run.depth] += 1

    def open(self, is_open: bool) -> None:
        """Grant from here on, or grant nothing until this is said again: the worker is away."""
        self._is_open = is_open
        if is_open:
            self._grant_soon()

    def executions(self) -> set[str]:
        """Return the executions whose operations wait."""
        return {run.execution_id for waiting in self._waiting.values() for run in waiting}

    def close(self) -> None:
        self._closing = True
        self._waiting.clear()

    def _grant_soon(self) -> None:
        # Once per turn of the loop, so that everything that became ready in it is granted by one write.
        if not self._grant_due:
            self._grant_due = True
            asyncio.get_running_loop().call_soon(self._grant)

    def _grant(self) -> None:
        self._grant_due = False
        batch: list[OperationRun] = []
        if not self._is_open:
            return
        for depth, waiting in self._waiting.items():
            while waiting and self._taken[depth] < self._slots:
                run = waiting.popleft()
                self.hold(run)
                batch.append(run)
        if batch:
            self._before_grant()
            self._request(batch)

    def _request(self, batch: list[OperationRun]) -> None:
        # A callback, and no task: most of an operation's way is short steps, and a task costs more than each.
        about = {run.execution_id for run in batch}
        grant = self._store.write_about(about, _grant, batch, self._worker, self._clock())
        grant.add_done_callback(partial(self._answered, batch))

    def _answered(self, batch: list[OperationRun], grant: asyncio.Future[dict[str, Subjects]]) -> None:
        if self._closing:
            return
        error = grant.exception()
        if error is None:
            granted = grant.result()
            for run in batch:
                subjects = granted.get(run.id)
                if subjects is None:
                    # Its execution ended, was forced, or has another owner. Nothing was forked.
                    self.release(run)
                    self._revoked(run)
                else:
                    self._granted(run, subjects)
            self._after_answer({run.execution_id for run in batch})
        elif len(batch) > 1:
            # One of them cannot be granted; the others may be.
            for run in batch:
                self._request([run])
        else:
            log.error("operation %s could not be granted", batch[0].id, exc_info=error)
            self.release(batch[0])
            self._refused(batch[0], error)


def _grant(conn: Connection, wanted: list[OperationRun], worker: str, now: datetime) -> dict[str, Subjects]:
    """Grant what may start, and read the node instances that it is about, in one transaction."""
    asked = {run.id: _ask_subjects(conn, run) for run in wanted}
    granted = operations.grant(conn, [run.key for run in wanted], worker, now)
    return {id: _subjects(readers) for id, readers in asked.items() if id in granted}


def _ask_subjects(conn: Connection, run: OperationRun) -> dict[str, Callable[[], NodeInstance]]:
    tenant = run.snapshot.execution.tenant
    ids = [str(id) for id in run.scope.values() if id is not None]
    return {id: instances.ask_instance(conn, tenant, id) for id in ids}


def _subjects(readers: dict[str, Callable[[], NodeInstance]]) -> Subjects:
    try:
        return {id: read() for id, read in readers.items()}
    except NotFound as error:
        # Its deployment was deleted by force, for example. That fails this operation, and not those that are
        # granted with it.
        return error
