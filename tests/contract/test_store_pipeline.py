"""On PostgreSQL statements are sent before the answers of those before them were read: what fails, fails as
if each had been waited for.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import Connection, bindparam, func, insert, select, text
from sqlalchemy.exc import OperationalError
from stored import NOW, create, happened

from cloudwright.errors import Conflict
from cloudwright.model.event import Event
from cloudwright.storage import events, hook_triggers
from cloudwright.storage.postgresql import PostgresDatabase
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.schema import events as event_rows
from cloudwright.storage.schema import executions, tenants
from cloudwright.storage.store import Store
from postgres import PostgresServer

COUNT = Prepared(select(func.count()).select_from(event_rows))
WORKFLOW = Prepared(select(executions.c.workflow_id).where(executions.c.id == bindparam("execution")))
MAKE_TENANT = Prepared(insert(tenants), ("name", "created_at"))
UNKNOWN = "there is no such execution"


def add(conn: Connection, message: str, *ids: str) -> str:
    for id in ids or ("e1",):
        events.add(conn, [Event(id, NOW, message)])
    return message


def messages(store: Store, id: str = "e1") -> list[str]:
    return [event.message for event in happened(store, id)]


@pytest.fixture
def store(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setitem(PostgresDatabase._SESSION, "lock_timeout", "100ms")
    opened = Store.open(postgres.clean_database())
    create(opened)
    # The first transaction with an event reads the hooks; those after it do not.
    opened.write_sync(hook_triggers.enabled)
    yield opened
    opened.close()


@pytest.fixture
def intruder(postgres: PostgresServer, store: Store) -> Iterator[psycopg.Connection]:
    """Somebody else's connection to the same database, in a transaction."""
    name = store.read_sync(lambda conn: conn.scalar(text("SELECT current_database()")))
    with postgres.connect(name) as conn:
        conn.autocommit = False
        yield conn


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def test_what_is_asked_for_can_be_read_later_and_in_any_order(store: Store) -> None:
    def verb(conn: Connection) -> list[object]:
        before = COUNT.ask(conn)
        add(conn, "one")
        workflow = WORKFLOW.ask(conn, execution="e1")
        after = COUNT.ask(conn)
        # SQLAlchemy's own statements are answered in between.
        by_sqlalchemy = conn.scalar(select(func.count()).select_from(event_rows))
        changed = conn.execute(executions.update().values(workflow_id="other")).rowcount
        add(conn, "two")
        return [COUNT.first(conn), after.first(), workflow.all(), before.first(), by_sqlalchemy, changed]

    assert store.write_sync(verb) == [(2,), (1,), [("install",)], (0,), 1, 1]
    assert messages(store) == ["one", "two"]


def test_nobody_waits_for_each_statement(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a batch are sent before an answer is waited for; how often it waits is its number of reads."""
    fetched: list[int] = []
    fetch = psycopg.Pipeline._fetch_gen

    def counted(self: psycopg.Pipeline, *, flush: bool) -> object:
        if self.result_queue:
            fetched.append(len(self.result_queue))
        return fetch(self, flush=flush)

    monkeypatch.setattr(psycopg.Pipeline, "_fetch_gen", counted)
    store.write_sync(add, "one", "e1", "e1", "e1")
    # The commit's, and not even that where all answers were there before it was sent.
    assert len(fetched) <= 1


LARGE = "x" * 4_000_000  # more than a socket holds


@pytest.mark.timeout(30)
def test_what_is_large_leaves_before_its_answer_is_waited_for(store: Store) -> None:
    def broken(conn: Connection) -> None:
        add(conn, LARGE)
        raise ZeroDivisionError

    def by_sqlalchemy(conn: Connection) -> int:
        return conn.execute(executions.update().values(error=LARGE)).rowcount

    assert store.write_sync(add, LARGE) == LARGE
    with pytest.raises(ZeroDivisionError):
        store.write_sync(broken)
    assert store.write_sync(by_sqlalchemy) == 1
    assert messages(store) == [LARGE]
    assert store.read_sync(lambda conn: conn.scalar(select(executions.c.error))) == LARGE


@pytest.mark.parametrize("reads", [False, True])
def test_an_error_that_nobody_read_is_its_own_callers(
    store: Store, reads: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    def broken(conn: Connection) -> None:
        add(conn, "lost", "e1", UNKNOWN)
        if reads:
            WORKFLOW.first(conn, execution="e1")

    async def main(round: int) -> None:
        good = [store.write(add, f"{round}-{place}") for place in range(3)]
        bad = store.write(broken)
        good += [store.write(add, f"{round}-{place}") for place in range(3, 6)]
        with pytest.raises(Conflict, match="foreign key"):
            await bad
        await asyncio.gather(*good)

    # More often than it takes until the driver prepares a statement on the server, and forgets it again.
    for round in range(12):
        asyncio.run(main(round))
    assert messages(store) == [f"{round}-{place}" for round in range(12) for place in range(6)]
    assert store.healthy
    assert not caplog.records


def test_an_error_that_a_verb_keeps_to_itself_stores_nothing(store: Store) -> None:
    def verb(conn: Connection) -> str:
        add(conn, "never", UNKNOWN)
        try:
            WORKFLOW.first(conn, execution="e1")
        except psycopg.Error:
            return "all is well"
        raise AssertionError("the error is told where the next answer is read")

    with pytest.raises(OperationalError, match="pipeline aborted"):
        store.write_sync(verb)
    assert store.write_sync(add, "next") == "next"
    assert messages(store) == ["next"]


def test_a_verbs_own_error_takes_back_what_was_sent(store: Store) -> None:
    def verb(conn: Connection) -> None:
        add(conn, "never")
        MAKE_TENANT.run(conn, name="never", created_at=NOW)
        raise ZeroDivisionError

    for _ in range(12):
        with pytest.raises(ZeroDivisionError):
            store.write_sync(verb)
        store.write_sync(add, "kept")
    assert messages(store) == ["kept"] * 12
    assert store.read_sync(lambda conn: conn.scalar(select(func.count()).select_from(tenants))) == 0


def test_a_lock_that_is_not_given_in_time_is_waited_for(
    store: Store, intruder: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    intruder.execute("SELECT 1 FROM executions FOR UPDATE")

    async def main() -> list[str]:
        writes = [store.write(add, f"{place}") for place in range(3)]
        await asyncio.to_thread(until, lambda: not store.healthy)
        assert "lock timeout" in (store.trouble or "")
        await asyncio.to_thread(intruder.rollback)
        return list(await asyncio.gather(*writes))

    assert asyncio.run(main()) == messages(store) == ["0", "1", "2"]
    assert store.healthy


def test_a_deadlock_is_run_again(store: Store, intruder: psycopg.Connection) -> None:
    create(store, "e2", "d2")
    # The first to look is the one that is ended.
    intruder.execute("SET LOCAL deadlock_timeout = '30s'")
    intruder.execute("SELECT 1 FROM executions WHERE id = 'e2' FOR UPDATE")
    writing = threading.Thread(target=store.write_sync, args=(add, "once", "e1", "e2"))
    writing.start()
    waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    until(lambda: store.read_sync(lambda conn: conn.scalar(text(waits))) == 1)
    intruder.execute("SELECT 1 FROM executions WHERE id = 'e1' FOR UPDATE")
    intruder.commit()
    writing.join(20)
    assert not writing.is_alive()
    assert messages(store) == messages(store, "e2") == ["once"]
    assert store.healthy


def test_a_connection_that_is_lost_between_two_statements(store: Store, intruder: psycopg.Connection) -> None:
    lost: list[int] = []

    def verb(conn: Connection) -> str:
        pid = conn.scalar(text("SELECT pg_backend_pid()"))
        add(conn, "before")
        if not lost:
            lost.append(pid)
            intruder.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        add(conn, "after")
        return "stored"

    assert store.write_sync(verb) == "stored"
    assert messages(store) == ["before", "after"]
    assert store.healthy
