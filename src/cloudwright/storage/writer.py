"""The one thread that writes: what waits is run in one transaction, committed once, and only then answered.

A commit costs what it costs, however much is in it. So the more callers write at once, the less each of them
pays, and no write waits for others: a batch is what arrived while the one before was being committed, of
lines of log as many as do not hold it up (``write_queue``).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from cloudwright.errors import Unavailable
from cloudwright.storage import hook_triggers, task_counts
from cloudwright.storage.database import Database, ErrorClass, caller_error, driver_error
from cloudwright.storage.write_queue import Request, WriteQueue

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    value: Any = None
    error: Exception | None = None


class Writer:
    """``trouble`` says why nothing can be written now; None is well. ``commits`` counts them.

    ``on_commit`` is called after each with the seconds that the transaction took, ``on_triggered`` after one
    that stored deliveries of hooks.
    """

    def __init__(self, database: Database) -> None:
        self.commits = 0
        self.trouble: str | None = None
        self.on_commit: Callable[[float], None] = lambda _seconds: None
        self.on_triggered: Callable[[], None] = lambda: None
        self._database = database
        self._conn: Connection | None = None
        self._pipeline = ExitStack()
        self._waiting = WriteQueue()
        self._arrived = threading.Condition()
        self._closing = threading.Event()
        self._out_since = 0.0
        self._thread = threading.Thread(target=self._run, name="storage-writer", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Hand over a write; from here on it is carried out, whether or not a caller waits for its result."""
        with self._arrived:
            if self._closing.is_set():
                raise Unavailable("The store is closed; nothing was written.")
            self._waiting.add(request)
            self._arrived.notify()

    def close(self) -> None:
        """Finish writes that wait, and stop. If the database is down, they raise Unavailable."""
        with self._arrived:
            self._closing.set()
            self._arrived.notify()
        self._thread.join()

    def _run(self) -> None:
        batch: list[Request] = []
        try:
            while batch := self._next_batch():
                self._settle(batch)
        finally:
            # No caller may wait for ever for a thread that is gone, least of all if a defect ended it.
            self._closing.set()
            left = batch
            while more := self._waiting.take():
                left += more
            deliver(left, [Answer(error=Unavailable("The store's writer has stopped."))] * len(left))
            self._disconnect()

    def _next_batch(self) -> list[Request]:
        with self._arrived:
            while not self._waiting and not self._closing.is_set():
                self._arrived.wait()
            return self._waiting.take()

    def _settle(self, batch: Sequence[Request]) -> None:
        """Answer every member: together if none fails, else each for itself."""
        try:
            answers = self._transact(batch)
        except Exception as error:  # noqa: BLE001 - a verb may raise anything; it is its caller's
            if len(batch) > 1:
                for request in batch:
                    self._settle([request])
                return
            answers = [Answer(error=caller_error(error))]
        deliver(batch, answers)

    def _transact(self, batch: Sequence[Request]) -> list[Answer]:
        """One transaction, repeated until the database was there for it. Raises what a member raised."""
        for pause in _pauses():
            try:
                answers = self._attempt(batch)
            except Exception as error:
                error_class = self._database.classify(error)
                if error_class is ErrorClass.UNAVAILABLE:
                    self._wait_out(error, pause)
                    continue
                self._recovered()
                if error_class is ErrorClass.RETRY and len(batch) == 1:
                    continue
                raise
            self._recovered()
            return answers
        raise AssertionError("the pauses never end")

    def _attempt(self, batch: Sequence[Request]) -> list[Answer]:
        conn = self._connection()
        begun = time.monotonic()
        transaction = conn.begin()
        try:
            answers = [Answer(request.call(conn)) for request in batch]
            triggered = hook_triggers.flush(conn, _random_id)
            task_counts.flush(conn)
            mark = self._database.write_commit_marker(conn)
        except Exception:
            self._roll_back()
            raise
        try:
            transaction.commit()
        except Exception as error:
            self._disconnect()
            # An answer of the database is one to a statement of the batch that no caller waited for.
            answered = self._database.classify(error) is not ErrorClass.UNAVAILABLE
            if answered or mark is None or not self._came_through(mark, error):
                raise
        self.commits += 1
        self.on_commit(time.monotonic() - begun)
        if triggered:
            self.on_triggered()
        return answers

    def _came_through(self, mark: int, error: Exception) -> bool:
        """Return whether a commit happened whose answer was lost with the connection. To run it twice would
        be wrong.
        """
        for pause in _pauses():
            self._wait_out(error, pause, "whether this one was stored is not known")
            try:
                conn = self._connection()
                with conn.begin():
                    return self._database.was_committed(conn, mark)
            except Exception as another:  # noqa: BLE001 - the question changes nothing and may be asked again
                error = another
        raise AssertionError("the pauses never end")

    def _connection(self) -> Connection:
        if self._conn is None:
            self._conn = self._database.writing.connect()
            with self._conn.begin():
                self._database.on_connect(self._conn)
            self._pipeline.enter_context(self._database.pipeline(self._conn))
        return self._conn

    def _roll_back(self) -> None:
        if self._conn is not None:
            hook_triggers.drop(self._conn)
            task_counts.drop(self._conn)
            try:
                self._conn.rollback()
            except Exception:  # noqa: BLE001 - the connection is lost, and the transaction with it
                self._disconnect()

    def _disconnect(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.invalidate()
            conn.close()
            self._pipeline.close()

    def _wait_out(self, error: Exception, pause: float, fate: str = "this one was not stored") -> None:
        """Wait a little for a database that is out. Raises Unavailable if the store is to be closed."""
        self._disconnect()
        reason = str(driver_error(error)).strip()
        if self.trouble is None:
            self._out_since = time.monotonic()
            log.error("The database does not take writes: %s. They wait until it does.", reason)
        self.trouble = reason
        if self._closing.wait(pause):
            raise Unavailable(
                f"The database does not take writes ({reason}) and the store is closing: {fate}."
            ) from error

    def _recovered(self) -> None:
        if self.trouble is not None:
            self.trouble = None
            seconds = time.monotonic() - self._out_since
            log.warning("The database takes writes again, after %.1f s; no write was lost.", seconds)


def deliver(batch: Sequence[Request], answers: Sequence[Answer]) -> None:
    """Resolve the callers' futures, with one hop into each event loop."""
    hops: dict[asyncio.AbstractEventLoop, list[tuple[Request, Answer]]] = {}
    for request, answer in zip(batch, answers, strict=True):
        if request.loop is None:
            _resolve([(request, answer)])
        else:
            hops.setdefault(request.loop, []).append((request, answer))
    for loop, results in hops.items():
        try:
            loop.call_soon_threadsafe(_resolve, results)
        except RuntimeError:
            log.info("%d writes were stored for an event loop that has been closed.", len(results))


def _resolve(results: Sequence[tuple[Request, Answer]]) -> None:
    for request, answer in results:
        if request.future.done():
            continue  # the caller was cancelled meanwhile
        if answer.error is not None:
            request.future.set_exception(answer.error)
        else:
            request.future.set_result(answer.value)


def _random_id() -> str:
    return str(uuid.uuid4())


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_PAUSE)
