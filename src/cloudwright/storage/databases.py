"""Where databases differ: how to connect, what a failure means, and whether a commit came through. SQLite is
here, PostgreSQL in ``postgresql.py``.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import AbstractContextManager, nullcontext, suppress
from enum import Enum, auto
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from cloudwright.errors import Conflict, InvalidInput

_CREATING = threading.Lock()


class Verdict(Enum):
    #: What was asked is wrong or impossible; whoever asked is told.
    REFUSED = auto()
    #: Nothing is wrong but the moment: two writers were in each other's way.
    AGAIN = auto()
    #: The database does not answer or can not write now.
    OUTAGE = auto()


class Database(Protocol):
    """Engines hand out new connections and keep none: the writer and every reader keep one of their own."""

    @property
    def writing(self) -> Engine: ...

    @property
    def reading(self) -> Engine: ...

    def judge(self, error: Exception) -> Verdict:
        """What a failure of a transaction means."""
        ...

    def greet(self, conn: Connection) -> None:
        """What the writer does in a transaction of its own on every new connection."""
        ...

    def pipeline(self, conn: Connection) -> AbstractContextManager[None]:
        """From when the writer has a connection until it has closed it: statements are sent without waiting
        for the answers of those before them, if there is a way to wait for at all.
        """
        ...

    def sign(self, conn: Connection) -> int | None:
        """Leave a mark in the writer's transaction; None where an unanswered commit did not happen."""
        ...

    def signed(self, conn: Connection, mark: int) -> bool:
        """Whether the transaction with that mark was committed. Waits while the server is at it."""
        ...


def origin(error: BaseException) -> BaseException:
    """The driver's own error, which SQLAlchemy wraps where it ran the statement."""
    return error.orig or error if isinstance(error, DBAPIError) else error


def refusal(error: Exception) -> Exception:
    """What whoever asked is told: two that make the same thing at once learn it as if they had come one by
    one.
    """
    cause = origin(error)
    # Every driver's is called that (PEP 249), and only the one in use is loaded.
    if any(kind.__name__ == "IntegrityError" for kind in type(cause).__mro__):
        reason = str(cause).strip().split("\n")[0]
        conflict = Conflict(f"It contradicts what is stored ({reason}). Nothing was written.")
        conflict.__cause__ = error
        return conflict
    return error


def database_at(url: str) -> Database:
    """Raises InvalidInput for a URL of another kind than ``sqlite:////PATH`` and ``postgresql://...``."""
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


class SqliteDatabase:
    """Write-ahead log and full synchronisation: a commit that was answered survives a loss of power."""

    # Names are sqlite3's; they are primary codes, the extended ones' lowest byte.
    _OUTAGES = frozenset(
        {
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_PROTOCOL,
            sqlite3.SQLITE_NOMEM,
        }
    )

    def __init__(self, path: Path) -> None:
        self._path = path
        self._create()
        self.writing = self._engine("BEGIN IMMEDIATE", ["journal_mode=WAL", "synchronous=FULL"])
        self.reading = self._engine("BEGIN", ["query_only=ON"])

    def _create(self) -> None:
        # Password hashes and secrets live there: nobody but the owner may read it. A file that exists is not
        # opened: closing it again would release the locks that this process's other connections have on it,
        # and whoever else closes the database would then take the log that they write to away.
        with _CREATING, suppress(OSError):  # it exists, or SQLite is about to meet the same, and tells
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    def judge(self, error: Exception) -> Verdict:
        code = getattr(origin(error), "sqlite_errorcode", None)
        if code is not None and code & 0xFF in self._OUTAGES:
            return Verdict.OUTAGE
        return Verdict.REFUSED

    def greet(self, conn: Connection) -> None:
        pass

    def pipeline(self, conn: Connection) -> AbstractContextManager[None]:
        return nullcontext()

    def sign(self, conn: Connection) -> int | None:
        return None

    def signed(self, conn: Connection, mark: int) -> bool:
        return False

    def _engine(self, begin: str, settings: list[str]) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(self._path)),
            poolclass=NullPool,
            paramstyle="named",
            # With no isolation level the driver begins nothing by itself; a transaction begins as ``begin``
            # says.
            connect_args={
                "isolation_level": None,
                "check_same_thread": False,
                "cached_statements": 500,
                "timeout": 1.0,
            },
        )

        @event.listens_for(engine, "connect")
        def configure(connection: sqlite3.Connection, _: Any) -> None:
            for setting in ["foreign_keys=ON", "cache_size=-8000", *settings]:
                connection.execute(f"PRAGMA {setting}")

        @event.listens_for(engine, "begin")
        def start(conn: Connection) -> None:
            # By the driver itself: SQLAlchemy takes longer over it than SQLite.
            conn.connection.cursor().execute(begin)

        return engine
