"""The database goes away and comes back: writes wait, none is lost, none is done twice."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.pool import PoolProxiedConnection
from stored import NOW, create, happened

from cloudwright.errors import Unavailable
from cloudwright.model.event import Event
from cloudwright.storage import events, manager_queries
from cloudwright.storage.store import Store, database_at
from postgres import PostgresServer


def add(conn: Connection, message: str) -> str:
    events.add(conn, [Event("e1", NOW, message)])
    return message


def messages(store: Store) -> list[str]:
    return [event.message for event in happened(store)]


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what another thread does; it tells nobody, so it has to be looked at."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


class Pen:
    """Writes from several threads without a pause, and remembers what was answered."""

    def __init__(self, store: Store, threads: int = 4) -> None:
        self.answered: list[str] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(store, place)) for place in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def _write(self, store: Store, name: int) -> None:
        count = 0
        while not self._stop.is_set():
            self.answered.append(store.write_sync(add, f"{name}-{count}"))
            count += 1

    def write(self, count: int) -> None:
        """Until so many more were answered."""
        before = len(self.answered)
        until(lambda: len(self.answered) > before + count)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()


@pytest.fixture
def running(postgres: PostgresServer) -> Iterator[Store]:
    store = Store.open(postgres.clean_database())
    create(store)
    yield store
    store.close()


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_a_server_that_restarts(
    postgres: PostgresServer, running: Store, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "cloudwright.storage")
    pen = Pen(running)
    for _ in range(3):
        pen.write(50)
        getattr(postgres, how)()
        until(lambda: not running.healthy)
        assert running.trouble
        with pytest.raises(Unavailable, match="does not answer"):
            running.read_sync(manager_queries.get, "e1")
        postgres.start()
        until(lambda: running.healthy)
    pen.stop()
    assert running.trouble is None
    stored = messages(running)
    assert sorted(stored) == sorted(pen.answered)
    # Once when it went, once when it was back, however often it was tried in between.
    told = [record.levelname for record in caplog.records if record.name == "cloudwright.storage.writer"]
    assert told == ["ERROR", "WARNING"] * 3


def test_a_lost_connection_is_replaced(postgres: PostgresServer, running: Store) -> None:
    pen = Pen(running)
    for _ in range(10):
        pen.write(20)
        with postgres.connect() as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'cloudwright'"
            )
        assert running.read_sync(manager_queries.get, "e1").id == "e1"
    pen.stop()
    assert sorted(messages(running)) == sorted(pen.answered)


def composed(conn: Connection) -> int:
    return conn.scalar(text("SELECT count(*) FROM executions")) or 0


def test_readers_whose_connections_were_lost_read_what_sqlalchemy_runs(
    postgres: PostgresServer, running: Store
) -> None:
    for _ in range(3):
        with postgres.connect() as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE application_name = 'cloudwright'"
            )
        assert [running.read_sync(composed) for _ in range(4)] == [1] * 4


@pytest.mark.parametrize("committed", [True, False])
def test_a_commit_whose_answer_is_lost_is_not_done_twice(
    postgres: PostgresServer, committed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = database_at(postgres.clean_database())
    monkeypatch.setattr("cloudwright.storage.store.database_at", lambda _: database)
    store = Store.open("")
    create(store)
    commit = database.writing.dialect.do_commit
    lost: list[str] = []

    def lose_the_answer(connection: PoolProxiedConnection) -> None:
        if lost:
            commit(connection)
        else:
            lost.append("once")
            if committed:
                commit(connection)
            assert connection.dbapi_connection is not None
            connection.dbapi_connection.close()
            raise psycopg.OperationalError("the connection was lost")

    monkeypatch.setattr(database.writing.dialect, "do_commit", lose_the_answer)

    async def main() -> list[str]:
        return list(await asyncio.gather(*(store.write(add, f"{place}") for place in range(5))))

    assert asyncio.run(main()) == ["0", "1", "2", "3", "4"]
    assert lost == ["once"]
    assert messages(store) == ["0", "1", "2", "3", "4"]
    assert store.healthy
    store.close()


def test_closing_while_the_database_is_out(postgres: PostgresServer, running: Store) -> None:
    postgres.stop()
    try:

        async def main() -> None:
            waiting = running.write(add, "never")
            await asyncio.to_thread(until, lambda: not running.healthy)
            await asyncio.to_thread(running.close)
            with pytest.raises(Unavailable, match="closing"):
                await waiting

        asyncio.run(main())
    finally:
        postgres.start()


def test_a_database_that_is_not_there() -> None:
    with pytest.raises(Unavailable, match=r"The database at postgresql.*\*\*\*.* cannot be opened"):
        Store.open("postgresql://cw:secret@/nope?host=/nowhere")
    with pytest.raises(Unavailable, match="cannot be opened: unable to open database file"):
        Store.open("sqlite:////nowhere/store.db")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[tuple[Path, Store]]:
    path = tmp_path / "store.db"
    store = Store.open(f"sqlite:///{path}")
    create(store)
    yield path, store
    store.close()


def test_a_locked_file_is_waited_for(file: tuple[Path, Store]) -> None:
    path, store = file
    blocker = database_at(f"sqlite:///{path}").writing.connect()
    transaction = blocker.begin()
    pen = Pen(store, threads=2)
    until(lambda: not store.healthy)
    assert store.trouble == "database is locked"
    # Who reads is not in the way of who writes.
    assert store.read_sync(manager_queries.get, "e1").id == "e1"
    transaction.rollback()
    until(lambda: store.healthy and len(pen.answered) > 10)
    pen.stop()
    blocker.close()
    assert sorted(messages(store)) == sorted(pen.answered)


def test_a_full_disk_is_waited_for(file: tuple[Path, Store], caplog: pytest.LogCaptureFixture) -> None:
    _, store = file
    full = "PRAGMA max_page_count = {}"  # a connection's own limit: the writer's next one has none
    pages = store.write_sync(lambda conn: conn.exec_driver_sql("PRAGMA page_count").scalar_one())
    store.write_sync(lambda conn: conn.exec_driver_sql(full.format(pages)).scalar_one())
    big = "x" * 100_000
    assert store.write_sync(add, big) == big
    assert "database or disk is full" in caplog.text
    assert store.healthy
    assert messages(store) == [big]


def test_another_program_that_opens_and_closes_the_file_takes_nothing_away(file: tuple[Path, Store]) -> None:
    path, store = file
    ask = "print(*c.execute('SELECT message FROM events'))"
    look = f"import sqlite3; c = sqlite3.connect({str(path)!r}); {ask}; c.close()"

    def seen_from_outside() -> str:
        return subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout

    store.write_sync(add, "one")
    assert messages(store) == ["one"]
    seen_from_outside()
    store.write_sync(add, "two")
    assert "two" in seen_from_outside()
    assert messages(store) == ["one", "two"]
