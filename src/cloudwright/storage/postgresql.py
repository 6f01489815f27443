"""PostgreSQL as a ``Database``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from uuid import uuid4

import psycopg
from psycopg import generators
from sqlalchemy import URL, Connection, NullPool, bindparam, create_engine, event, text, update

from cloudwright.storage.database import Verdict, origin
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.schema import writers


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

        @event.listens_for(engine, "begin")
        def start(conn: Connection) -> None:
            if "pipeline" in conn.info:
                conn.connection.cursor().execute("BEGIN")

        @event.listens_for(engine, "after_cursor_execute")
        def answered(conn: Connection, *_: object) -> None:
            if "pipeline" in conn.info:
                send_all(conn)
                conn.info["pipeline"].sync()  # SQLAlchemy looks at the answer at once

        @event.listens_for(engine, "commit")
        @event.listens_for(engine, "rollback")
        def send_all(conn: Connection) -> None:
            if conn.invalidated or "pipeline" not in conn.info:
                return
            # The driver, to synchronise, waits for answers. Where something large has not left it, for ever.
            driver = conn.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            driver.wait(generators.send(driver.pgconn))

        # One snapshot for all statements of a query: a page and its total belong together.
        self.reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def judge(self, error: Exception) -> Verdict:
        cause = origin(error)
        if not isinstance(cause, psycopg.Error):
            return Verdict.REFUSED
        if isinstance(cause, psycopg.errors.PipelineAborted):
            # A statement before it failed, and a verb kept that error to itself.
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

    @contextmanager
    def pipeline(self, conn: Connection) -> Iterator[None]:
        driver = conn.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        # Where the driver begins transactions by itself, it waits for each beginning.
        driver.autocommit = True
        with ExitStack() as pipeline:
            conn.info["pipeline"] = pipeline.enter_context(driver.pipeline())
            yield
            with suppress(psycopg.Error):  # the connection has been closed: nobody is there to take leave of
                pipeline.close()

    def sign(self, conn: Connection) -> int | None:
        # Not the transaction's own number: after a crash the server may give one that it had given before.
        self._batch += 1
        _SIGN.run(conn, writer=self._writer, number=self._batch)
        return self._batch

    def signed(self, conn: Connection, mark: int) -> bool:
        return bool(conn.scalar(_SIGNED, {"writer": self._writer}) == mark)


_GREET = text("INSERT INTO writers (id, batch) VALUES (:writer, 0) ON CONFLICT DO NOTHING")
_SIGN = Prepared(update(writers).where(writers.c.id == bindparam("writer")).values(batch=bindparam("number")))
_SIGNED = text("SELECT batch FROM writers WHERE id = :writer FOR UPDATE")
