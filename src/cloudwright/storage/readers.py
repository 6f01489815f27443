"""A few threads that read, each with a connection of its own that can not write."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from sqlalchemy import Connection

from cloudwright.errors import QueryTooSlow, Unavailable
from cloudwright.storage.database import Database, ErrorClass, driver_error

T = TypeVar("T")


class Readers:
    """``time_limit`` is how long a statement may take, in seconds; None means as long as it takes."""

    def __init__(
        self, database: Database, count: int, name: str = "storage-reader", time_limit: float | None = None
    ) -> None:
        self._database = database
        self._time_limit = time_limit
        self._own = threading.local()
        self._opened: list[Connection] = []
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name)

    def submit(self, call: Callable[[Connection], T]) -> Future[T]:
        """Have the query run by the next thread that is free. Raises Unavailable when closed."""
        try:
            return self._threads.submit(self._run, call)
        except RuntimeError:
            raise Unavailable("The store is closed; nothing was read.") from None

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        for conn in self._opened:
            conn.close()

    def _run(self, call: Callable[[Connection], T]) -> T:
        """Return the query's answer, from one snapshot. Raises Unavailable if the database does not answer.

        A connection that was lost since its last use is replaced once: the database may be back already.
        """
        try:
            return self._attempt(call)
        except Exception as error:
            if self._database.classify(error) is ErrorClass.FATAL:
                raise
        try:
            return self._attempt(call)
        except Exception as error:
            if self._database.classify(error) is ErrorClass.FATAL:
                raise
            reason = str(driver_error(error)).strip()
            raise Unavailable(f"The database does not answer: {reason}. Try again later.") from error

    def _attempt(self, call: Callable[[Connection], T]) -> T:
        conn: Connection | None = getattr(self._own, "conn", None)
        if conn is None:
            conn = self._own.conn = self._database.reading.connect()
            self._opened.append(conn)
        try:
            with conn.begin(), self._limited(conn):
                return call(conn)
        except Exception as error:
            if self._database.timed_out(error):
                raise QueryTooSlow(
                    f"The query took longer than {self._time_limit:g} s. Ask for less: use filters that name"
                    " executions or deployments, or a smaller page."
                ) from error
            if self._database.classify(error) is not ErrorClass.FATAL:
                self._opened.remove(conn)
                del self._own.conn
                conn.invalidate()
                conn.close()
            raise

    def _limited(self, conn: Connection) -> AbstractContextManager[None]:
        if self._time_limit is None:
            return nullcontext()
        return self._database.time_limit(conn, self._time_limit)
