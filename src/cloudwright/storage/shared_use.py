"""Shared use: any number of managers may use a PostgreSQL database, each under a lease that a thread renews.

Beside the lease a session holds the advisory lock of ``exclusive_use``, shared: so a manager that wants the
database for itself and those that share it never meet. Losing that session is not losing the lease; it is
made again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from cloudwright.errors import IllegalAction, InvalidInput
from cloudwright.storage import managers
from cloudwright.storage.database import Database, unavailable
from cloudwright.storage.managers import ManagerFacts

#: How much of the lease lies between two renewals, and for how much of it after its end nobody takes over.
RENEW_PART = 1 / 6
MARGIN_PART = 1 / 3
#: Seconds to wait for the end of a manager that does not share the database.
PATIENCE = 3.0
#: Seconds between two tries to get the lock or to reach the database.
RETRY_SECONDS = 0.2

_TRY_SHARED = text("SELECT pg_try_advisory_lock_shared(7273002)")
_PREPARE = text(
    "SELECT set_config('application_name', :name, false), set_config('statement_timeout', :limit, false),"
    " set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)

log = logging.getLogger(__name__)


class SharedUse:
    """One manager's lease of a database, from ``open`` to ``close``.

    ``on_renewed`` is called, by a thread of its own but for the first time, with the seconds of
    CLOCK_BOOTTIME at which a renewal that succeeded was sent: whoever counts from there is never later than
    the database.
    ``on_lost`` is called with the reason if the lease is over: everything that runs has to end at once.
    """

    def __init__(
        self,
        database: Database,
        facts: ManagerFacts,
        *,
        lease: float,
        on_renewed: Callable[[float], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._database = database
        self._engine = database.writing.execution_options(isolation_level="AUTOCOMMIT")
        self._facts = facts
        self._lease = lease
        self._on_renewed = on_renewed
        self._on_lost = on_lost
        self._conn: Connection | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="database lease", daemon=True)

    def open(self) -> None:
        """Begin the lease.

        Raises InvalidInput if the database cannot be shared, and IllegalAction if a manager has it for itself
        or one with the same name lives elsewhere.
        """
        if self._engine.dialect.name != "postgresql":
            raise InvalidInput(
                "Several managers can share a PostgreSQL database, and no other: set "
                "CLOUDWRIGHT_DATABASE_URL to one."
            )
        deadline = time.monotonic() + PATIENCE
        while (refusal := self._try_open()) is not None:
            if time.monotonic() > deadline:
                self._disconnect()
                raise IllegalAction(refusal)
            time.sleep(RETRY_SECONDS)
        self._thread.start()

    def close(self) -> None:
        """End the lease: nothing of this manager runs any more."""
        self._closing.set()
        self._thread.join()
        with suppress(DBAPIError):  # it ends by itself then
            managers.free(self._connection(), self._facts.name, self._facts.life)
        self._disconnect()

    def _try_open(self) -> str | None:
        """Return why the lease cannot begin now, or None."""
        try:
            conn = self._connection()
            sent = _boottime()
            if conn.info.get("locked") is not True:
                return (
                    "A manager has this database for itself, and does not share it. End that one, or start "
                    "it so that it shares it too."
                )
            # In a transaction: of two copies of a home, that begin at once, one must see the other.
            with self._database.writing.begin() as transaction:
                if not managers.register(transaction, self._facts, lease=self._lease, margin=self._margin):
                    return (
                        f"A manager with the name of this one ({self._facts.name}) lives elsewhere, or did "
                        "until just now: is this home a copy? Each manager needs a home of its own."
                    )
        except DBAPIError as error:
            self._disconnect()
            raise unavailable(self._engine, error) from error
        self._on_renewed(sent)
        return None

    def _keep(self) -> None:
        pause = self._lease * RENEW_PART
        while not self._closing.wait(pause):
            sent = _boottime()
            try:
                conn = self._connection()
                kept = managers.renew(
                    conn, self._facts.name, self._facts.life, lease=self._lease, margin=self._margin
                )
            except DBAPIError as error:
                log.warning("The lease could not be renewed: %s", str(error).split("\n")[0])
                self._disconnect()
                pause = min(RETRY_SECONDS, self._lease * RENEW_PART)
                continue
            if not kept or conn.info.get("locked") is not True:
                why = "is over" if not kept else "is void: another manager has the database for itself"
                self._on_lost(f"The lease of this manager {why}.")
                return
            pause = self._lease * RENEW_PART
            self._on_renewed(sent)

    @property
    def _margin(self) -> float:
        return self._lease * MARGIN_PART

    def _connection(self) -> Connection:
        """Return a session that has tried to get the lock, made again if it was lost."""
        if self._conn is None:
            self._conn = self._engine.connect()
            limit = f"{max(1, round(self._lease * RENEW_PART * 2_000))}ms"
            name = f"cloudwright manager {self._facts.name}"[:63]
            self._conn.execute(_PREPARE, {"name": name, "limit": limit})
        if self._conn.info.get("locked") is not True:
            self._conn.info["locked"] = bool(self._conn.scalar(_TRY_SHARED))
        return self._conn

    def _disconnect(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.invalidate()
            conn.close()


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
