"""PostgreSQL as ``databases.py`` wants it."""

from __future__ import annotations

from uuid import uuid4

import psycopg
from sqlalchemy import URL, Connection, NullPool, create_engine, text

from cloudwright.storage.databases import Verdict, origin


class PostgresDatabase:
    _SESSION = {
        "timezone": "UTC",
        # A manager that stopped in the middle of a transaction, or a lock that is never released, stops no
        # other.
        "idle_in_transaction_session_timeout": "30s",
        "lock_timeout": "10s",
    }
    # SQLSTATEs or their classes: connection, resources, the operator's intervention, the system, a read-only
    # standby.
    _OUTAGES = ("08", "53", "57P", "58", "25006", "55P03", "25P03")
    _AGAIN = ("40001", "40P01")

    def __init__(self, url: URL) -> None:
        self._writer = str(uuid4())
        self._batch = 0
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            poolclass=NullPool,
            connect_args={
                "application_name": "cloudwright",
                "connect_timeout": 5,
                "options": " ".join(f"-c {name}={value}" for name, value in self._SESSION.items()),
                # A server that vanished is noticed within seconds, not when the kernel gives up.
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": 10_000,
            },
        )
        self.writing = engine
        # One snapshot for all statements of a query: a page and its total belong together.
        self.reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def judge(self, error: Exception) -> Verdict:
        cause = origin(error)
        if not isinstance(cause, psycopg.Error):
            return Verdict.REFUSED
        if cause.sqlstate is None:
            # It is not the server's answer: there was none.
            lost = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
            return Verdict.OUTAGE if lost else Verdict.REFUSED
        if cause.sqlstate in self._AGAIN:
            return Verdict.AGAIN
        return Verdict.OUTAGE if cause.sqlstate.startswith(self._OUTAGES) else Verdict.REFUSED

    def greet(self, conn: Connection) -> None:
        conn.execute(_GREET, {"writer": self._writer})

    def sign(self, conn: Connection) -> int | None:
        # Not the transaction's own number: after a crash the server may give one that it had given before.
        self._batch += 1
        conn.execute(_SIGN, {"writer": self._writer, "batch": self._batch})
        return self._batch

    def signed(self, conn: Connection, mark: int) -> bool:
        return bool(conn.scalar(_SIGNED, {"writer": self._writer}) == mark)


_GREET = text("INSERT INTO writers (id, batch) VALUES (:writer, 0) ON CONFLICT DO NOTHING")
_SIGN = text("UPDATE writers SET batch = :batch WHERE id = :writer")
_SIGNED = text("SELECT batch FROM writers WHERE id = :writer FOR UPDATE")
