"""Exclusive use: one manager at a time may use a database.

Two managers would each take the other's operations for lost and run them again. The right is bound to what
ends with its holder, so that nothing has to be cleaned up after a crash: on SQLite a lock on a file beside
the database, on PostgreSQL an advisory lock of a session of its own. A stopped (SIGSTOP) manager keeps it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from cloudwright.errors import IllegalAction
from cloudwright.storage.database import Database, unavailable

#: Seconds to wait for the end of another manager, or for the server to notice it.
PATIENCE = 3.0
#: Seconds between two looks at the session that holds the lock; its end is noticed at once.
CHECK_SECONDS = 2.0
#: Seconds between two tries to get the lock.
RETRY_SECONDS = 0.2
#: Seconds in which a manager that lost the lock to another has certainly noticed that.
HANDOVER_SECONDS = 5.0

# The number is the lock's name.
_TRY_LOCK = text("SELECT pg_try_advisory_lock(7273002)")
_HOLDER = text(
    "SELECT l.pid, coalesce(a.application_name, ''), coalesce(host(a.client_addr), 'this machine')"
    " FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = 7273002 AND l.objsubid = 1 AND l.granted"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_PREPARE = text(
    "SELECT set_config('application_name', :name, false),"
    # The server notices within seconds that the manager's machine is gone.
    " set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),"
    " set_config('tcp_keepalives_count', '3', false), pg_backend_pid()"
)
_TERMINATE = text("SELECT pg_terminate_backend(:pid)")

log = logging.getLogger(__name__)


@contextlib.contextmanager
def exclusive_use(database: Database, name: str, on_lost: Callable[[str], None]) -> Iterator[None]:
    """Use the database exclusively, as the manager ``name``.

    ``on_lost`` is called, by a thread of its own, with the reason if another manager got the right while the
    server or the connection was down: it must end everything that this manager runs, at once. Raises
    IllegalAction if another manager uses the database.
    """
    if database.writing.dialect.name == "sqlite":
        with _file_lock(Path(f"{database.writing.url.database}.lock")):
            yield
        return
    session = _LockSession(database, name, on_lost)
    session.open()
    try:
        yield
    finally:
        session.close()


@contextlib.contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _refusal("its process holds " + str(path)) from None
        yield
    finally:
        os.close(descriptor)


def _refusal(holder: str) -> IllegalAction:
    return IllegalAction(
        f"Another manager uses this database ({holder}), and only one may. "
        "End that one, or choose another database with CLOUDWRIGHT_DATABASE_URL."
    )


class _Holder(NamedTuple):
    pid: int
    application: str
    address: str

    def __str__(self) -> str:
        return f"{self.application or 'unknown'}, connected from {self.address}, server process {self.pid}"


class _LockSession:
    """A session of a PostgreSQL server that holds the lock, and a thread that looks after it."""

    def __init__(self, database: Database, name: str, on_lost: Callable[[str], None]) -> None:
        self._engine = database.writing.execution_options(isolation_level="AUTOCOMMIT")
        self._application = f"cloudwright manager {name}"[:63]
        self._on_lost = on_lost
        self._backend = 0
        self._conn: Connection
        self._closing = threading.Event()
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread = threading.Thread(target=self._watch, name="database lock", daemon=True)

    def open(self) -> None:
        """Get the lock. Raises IllegalAction if another manager keeps it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                conn, holder = self._connect()
            except DBAPIError as error:
                raise unavailable(self._engine, error) from error
            if conn is not None:
                self._conn = conn
                self._thread.start()
                return
            if holder is not None and time.monotonic() > deadline:
                raise _refusal(str(holder))
            time.sleep(RETRY_SECONDS)

    def close(self) -> None:
        self._closing.set()
        os.write(self._wake_writer, b"x")
        self._thread.join()
        self._conn.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def _connect(self) -> tuple[Connection | None, _Holder | None]:
        """Return a session that holds the lock, or None and the lock's holder."""
        conn = self._engine.connect()
        try:
            backend: int = conn.execute(_PREPARE, {"name": self._application}).one()[-1]
            if conn.scalar(_TRY_LOCK):
                self._backend = backend
                return conn, None
            row = conn.execute(_HOLDER).first()
            holder = None if row is None else _Holder(*row)
            if holder is not None and holder.pid == self._backend:
                # The server has not noticed yet that this manager's own session is gone.
                conn.execute(_TERMINATE, {"pid": holder.pid})
                holder = None
        except BaseException:
            conn.close()
            raise
        conn.close()
        return None, holder

    def _watch(self) -> None:
        while not self._closing.is_set():
            try:
                socket = self._conn.connection.driver_connection.fileno()  # type: ignore[union-attr]
                select.select([socket, self._wake_reader], [], [], CHECK_SECONDS)
                if not self._closing.is_set():
                    self._conn.execute(text("SELECT 1"))
            except (DBAPIError, OSError, ValueError) as error:
                log.warning("The session that holds the database was lost: %s", str(error).split("\n")[0])
                self._regain()

    def _regain(self) -> None:
        self._conn.close()
        while not self._closing.wait(RETRY_SECONDS):
            try:
                conn, holder = self._connect()
            except DBAPIError:
                continue
            if conn is not None:
                self._conn = conn
                log.info("The database is held again.")
                return
            if holder is not None:
                self._on_lost(f"Another manager took the database over ({holder}).")
                return
