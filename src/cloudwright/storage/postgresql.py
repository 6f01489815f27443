"""PostgreSQL as a ``Database``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from uuid import uuid4

import psycopg
from psycopg import generators
from sqlalchemy import URL, Connection, NullPool, bindparam, create_engine, event, text, update

from cloudwright.storage.database import ErrorClass, driver_error
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.schema import writers


class PostgresDatabase:
    _SESSION = {
        "timezone": "UTC",
        # A manager that hangs within a transaction, or a lock that is never released, must not block others.
        "idle_in_transaction_session_timeout": "30s",
        "lock_timeout": "10s",
    }
    # SQLSTATEs or their classes: connection, resources, the operator's intervention, the system, a read-only
    # standby.
    _UNAVAILABLE = ("08", "53", "57P", "58", "25006", "55P03", "25P03")
    _RETRY = ("40001", "40P01")

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
                # Notice a server that vanished within seconds, not when the kernel gives up.
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
                conn.info["pipeline"].sync()  # SQLAlchemy reads the result at once

        @event.listens_for(engine, "commit")
        @event.listens_for(engine, "rollback")
        def send_all(conn: Connection) -> None:
            if conn.invalidated or "pipeline" not in conn.info:
                return
            # Flush first: psycopg's sync waits for results, and deadlocks if a large message is still
            # buffered.
            driver = conn.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            driver.wait(generators.send(driver.pgconn))

        # One snapshot for all statements of a query: a page and its total belong together.
        self.reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def classify(self, error: Exception) -> ErrorClass:
        cause = driver_error(error)
        if not isinstance(cause, psycopg.Error):
            return ErrorClass.FATAL
        if isinstance(cause, psycopg.errors.PipelineAborted):
            # An earlier statement failed, and a verb swallowed that error.
            return ErrorClass.FATAL
        if cause.sqlstate is None:
            # The error does not come from the server: there was no reply.
            lost = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
            return ErrorClass.UNAVAILABLE if lost else ErrorClass.FATAL
        if cause.sqlstate in self._RETRY:
            return ErrorClass.RETRY
        return ErrorClass.UNAVAILABLE if cause.sqlstate.startswith(self._UNAVAILABLE) else ErrorClass.FATAL

    @contextmanager
    def time_limit(self, conn: Connection, seconds: float) -> Iterator[None]:
        conn.execute(_LIMIT, {"limit": f"{round(seconds * 1000)}ms"})
        yield

    def timed_out(self, error: Exception) -> bool:
        return isinstance(driver_error(error), psycopg.errors.QueryCanceled)

    def on_connect(self, conn: Connection) -> None:
        conn.execute(_REGISTER_WRITER, {"writer": self._writer})

    @contextmanager
    def pipeline(self, conn: Connection) -> Iterator[None]:
        driver = conn.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        # If the driver begins transactions itself, it waits for each BEGIN.
        driver.autocommit = True
        with ExitStack() as pipeline:
            conn.info["pipeline"] = pipeline.enter_context(driver.pipeline())
            yield
            with suppress(psycopg.Error):  # the connection has been closed already
                pipeline.close()

    def write_commit_marker(self, conn: Connection) -> int | None:
        # Not the transaction's own ID: after a crash the server may assign one again.
        self._batch += 1
        _MARK.run(conn, writer=self._writer, number=self._batch)
        return self._batch

    def was_committed(self, conn: Connection, mark: int) -> bool:
        return bool(conn.scalar(_MARKED, {"writer": self._writer}) == mark)


# Until the end of the transaction.
_LIMIT = text("SELECT set_config('statement_timeout', :limit, true)")
_REGISTER_WRITER = text("INSERT INTO writers (id, batch) VALUES (:writer, 0) ON CONFLICT DO NOTHING")
_MARK = Prepared(update(writers).where(writers.c.id == bindparam("writer")).values(batch=bindparam("number")))
_MARKED = text("SELECT batch FROM writers WHERE id = :writer FOR UPDATE")
