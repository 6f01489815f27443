"""The store: verbs are written by one thread, queries read by a few, and both may be awaited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection as Connection
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from cloudwright.errors import InvalidInput
from cloudwright.storage import manager_queries
from cloudwright.storage.audit import recorded
from cloudwright.storage.database import Database
from cloudwright.storage.exclusive_use import HANDOVER_SECONDS, exclusive_use
from cloudwright.storage.migrate import migrate
from cloudwright.storage.readers import Readers
from cloudwright.storage.sqlite import SqliteDatabase
from cloudwright.storage.write_queue import Request
from cloudwright.storage.writer import Writer

#: How many pages of lists are read at once, and how long a statement of one may take (seconds).
PAGE_READERS = 2
PAGE_SECONDS = 20.0
TAIL_READERS = 1

P = ParamSpec("P")
T = TypeVar("T")


def database_at(url: str) -> Database:
    """Return the database of a URL.

    Raises InvalidInput for a URL of another kind than ``sqlite:////PATH`` and ``postgresql://...``.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInput(f"`{url}` is not a database URL; one is `sqlite:////path/to/file`.") from None
    kind = parsed.get_backend_name()
    if kind == "sqlite" and parsed.database and parsed.database != ":memory:":
        return SqliteDatabase(Path(parsed.database))
    if kind == "postgresql":
        # The driver takes as much memory as the rest of storage, and is of no use to SQLite.
        from cloudwright.storage.postgresql import PostgresDatabase  # noqa: PLC0415

        return PostgresDatabase(parsed)
    raise InvalidInput(
        f"The database URL begins with `{parsed.drivername}`; it has to be `sqlite:////path/to/file` or "
        "`postgresql://user@host/name`."
    )


class Store:
    """The database of one manager. Verbs and queries are functions whose first argument is a Connection.

    A verb may be run more than once before its result is returned, because a batch was rolled back or the
    database went away: it must have no effect but on its connection. A caller that goes away does not stop
    its write.
    """

    def __init__(
        self, writer: Writer, readers: Readers, page_readers: Readers, tail_readers: Readers
    ) -> None:
        self._writer = writer
        self._readers = readers
        self._page_readers = page_readers
        self._tail_readers = tail_readers
        self._exclusive = ExitStack()

    @classmethod
    def open(cls, url: str, *, readers: int = 2, page_time_limit: float = PAGE_SECONDS) -> Self:
        """Open ``sqlite:////PATH`` or ``postgresql://...``, and bring its tables up to date.

        ``page_time_limit`` is how long a statement of ``read_page`` may take, in seconds.

        Raises InvalidInput for another kind of URL, and Unavailable if the database cannot be reached or was
        made by a newer version.
        """
        database = database_at(url)
        migrate(database)
        return cls(
            Writer(database),
            Readers(database, readers),
            Readers(database, PAGE_READERS, "storage-pages", page_time_limit),
            Readers(database, TAIL_READERS, "storage-tails"),
        )

    @classmethod
    def open_exclusively(cls, url: str, name: str, on_lost: Callable[[str], None]) -> Self:
        """``open`` the database for the manager ``name`` alone, until the store is closed.

        ``on_lost`` is called, by a thread of its own, with the reason if another manager took the database
        over while the server or the connection was down; it must end everything that this manager runs.
        Raises also IllegalAction, if another manager uses the database.
        """
        with ExitStack() as stack:
            # Before the migrations: a newer manager that is refused must not change the tables of an older.
            stack.enter_context(exclusive_use(database_at(url), name, on_lost))
            store = cls.open(url)
            try:
                if any(row.owner not in (None, name) for row in store.read_sync(manager_queries.active)):
                    # Their owner may have lost the database just now, and needs a moment to notice.
                    time.sleep(HANDOVER_SECONDS)
            except BaseException:
                store.close()
                raise
            store._exclusive = stack.pop_all()
        return store

    @property
    def commits(self) -> int:
        """How many transactions were committed."""
        return self._writer.commits

    @property
    def on_commit(self) -> Callable[[float], None]:
        """What is called after each commit, by the writer's thread, with the seconds that it took."""
        return self._writer.on_commit

    @on_commit.setter
    def on_commit(self, call: Callable[[float], None]) -> None:
        self._writer.on_commit = call

    @property
    def on_triggered(self) -> Callable[[], None]:
        """What is called after a commit that stored deliveries of hooks, by the writer's thread."""
        return self._writer.on_triggered

    @on_triggered.setter
    def on_triggered(self, call: Callable[[], None]) -> None:
        self._writer.on_triggered = call

    @property
    def healthy(self) -> bool:
        """Whether writes are stored now. While they are not, they wait."""
        return self._writer.trouble is None

    @property
    def trouble(self) -> str | None:
        """Why writes wait, in the database's words."""
        return self._writer.trouble

    def write(
        self, verb: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        """To be awaited: the verb's result, once it is committed. Raises what the verb raised, and then
        nothing of it is stored.

        The write is handed over by the call itself, not when its result is awaited: writes are carried out in
        the order of their calls, but for ``write_about``. The result waits as long as the database is out.
        """
        return self._submit(partial(_call, verb, args, kwargs))

    def write_about(
        self,
        executions: Collection[str],
        verb: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """``write``, ahead of what other executions than these have said (``write_lines``)."""
        return self._submit(partial(_call, verb, args, kwargs), executions)

    def write_lines(
        self,
        execution: str,
        count: int,
        verb: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """``write`` this many lines that an execution said, one at least. Writes about other executions may
        overtake it.
        """
        return self._submit(partial(_call, verb, args, kwargs), (execution,), count)

    def _submit(
        self, call: Callable[[Connection], T], about: Collection[str] | None = None, lines: int = 0
    ) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._writer.submit(Request(recorded(call), future, loop, about, lines))
        return future

    async def read(
        self, query: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return the query's result, which includes every write that was stored before. Raises Unavailable
        at once if the database is out: to wait for it instead, give the query to ``write``.
        """
        return await asyncio.wrap_future(self._readers.submit(partial(_call, query, args, kwargs)))

    async def read_page(
        self, query: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """``read`` for a page of a list, which may be long: in threads of its own, so that slow lists never
        hold up anything else. Raises QueryTooSlow if it takes longer than the limit.
        """
        return await asyncio.wrap_future(self._page_readers.submit(partial(_call, query, args, kwargs)))

    async def read_tail(
        self, query: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """``read`` for those who follow executions, of whom there may be hundreds: in a thread of its own."""
        return await asyncio.wrap_future(self._tail_readers.submit(partial(_call, query, args, kwargs)))

    def write_sync(
        self, verb: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """``write`` for a thread without an event loop."""
        future: Future[T] = Future()
        self._writer.submit(Request(partial(_call, verb, args, kwargs), future))
        return future.result()

    def read_sync(
        self, query: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """``read`` for a thread without an event loop."""
        return self._readers.submit(partial(_call, query, args, kwargs)).result()

    def close(self) -> None:
        """Finish what waits, and close. Nothing can be written or read afterwards."""
        self._writer.close()
        for readers in (self._readers, self._page_readers, self._tail_readers):
            readers.close()
        self._exclusive.close()


def _call(function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any], conn: Connection) -> T:
    return function(conn, *args, **kwargs)
