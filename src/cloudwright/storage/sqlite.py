"""SQLite as a ``Database``."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event

from cloudwright.storage.database import ErrorClass, driver_error

_CREATING = threading.Lock()
# Steps of its virtual machine after which SQLite looks at the time: about a millisecond.
_STEPS = 50_000


class SqliteDatabase:
    """A database file with a write-ahead log and full synchronisation: an acknowledged commit survives a loss
    of power.
    """

    # Names are sqlite3's; they are primary codes, the extended ones' lowest byte.
    _UNAVAILABLE = frozenset(
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
        # It holds password hashes and secrets, so only its owner may read it. An existing file is not opened:
        # closing it would release the locks that this process's other connections hold on it, and another
        # process that closes the database would then remove the log that they write to.
        with _CREATING, suppress(OSError):  # it exists, or SQLite is about to report the same error
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    def classify(self, error: Exception) -> ErrorClass:
        code = getattr(driver_error(error), "sqlite_errorcode", None)
        if code is not None and code & 0xFF in self._UNAVAILABLE:
            return ErrorClass.UNAVAILABLE
        return ErrorClass.FATAL

    @contextmanager
    def time_limit(self, conn: Connection, seconds: float) -> Iterator[None]:
        driver = conn.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        end = time.monotonic() + seconds
        driver.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)

    def timed_out(self, error: Exception) -> bool:
        return getattr(driver_error(error), "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT

    def on_connect(self, conn: Connection) -> None:
        pass

    def pipeline(self, conn: Connection) -> AbstractContextManager[None]:
        return nullcontext()

    def write_commit_marker(self, conn: Connection) -> int | None:
        return None

    def was_committed(self, conn: Connection, mark: int) -> bool:
        return False

    def _engine(self, begin: str, settings: list[str]) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(self._path)),
            poolclass=NullPool,
            paramstyle="named",
            # With no isolation level the driver begins no transactions; ``begin`` does.
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
            # Directly on the driver: SQLAlchemy's overhead exceeds SQLite's own time.
            conn.connection.cursor().execute(begin)

        return engine
