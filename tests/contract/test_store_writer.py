"""Group commit: many writes share a commit, a failing one hurts nobody else, what was answered is durable."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from stored import NOW, Together, create, happened, tail

from cloudwright.errors import Conflict, NotFound, QueryTooSlow, Unavailable
from cloudwright.model.event import Event
from cloudwright.storage import events, manager_queries, task_counts
from cloudwright.storage.store import Store
from cloudwright.storage.write_queue import LINES


def add(conn: Connection, message: str, *, broken: str | None = None) -> str:
    events.add(conn, [Event("e1", NOW, message)])
    task_counts.add(conn, "e1", total=1)
    if message == broken:
        raise ZeroDivisionError(message)
    return message


class Gate:
    """Keeps the writer busy until it is opened, so that what is written meanwhile becomes one batch."""

    def __init__(self, store: Store) -> None:
        self._entered = threading.Event()
        self._open = threading.Event()
        self._thread = threading.Thread(target=store.write_sync, args=(self._wait,))
        self._thread.start()
        assert self._entered.wait(10)

    def _wait(self, conn: Connection) -> None:
        self._entered.set()
        assert self._open.wait(10)

    def open(self) -> None:
        self._open.set()
        self._thread.join(10)


def messages(store: Store) -> list[str]:
    return [event.message for event in happened(store)]


def test_what_waits_is_committed_together_and_in_order(store: Store) -> None:
    create(store)

    async def write_many() -> list[str]:
        gate = Gate(store)
        futures = [store.write(add, f"{place}") for place in range(200)]
        before = store.commits
        gate.open()
        answers = await asyncio.gather(*futures)
        assert store.commits - before == 2  # the gate's, and one for all
        return list(answers)

    written = [f"{place}" for place in range(200)]
    assert asyncio.run(write_many()) == written
    assert messages(store) == written


def count(conn: Connection, execution: str) -> int:
    query = "SELECT count(*) FROM events WHERE message = 'line' AND execution_id = :id"
    return int(conn.execute(text(query), {"id": execution}).scalar_one())


def say(store: Store, execution: str, writes: int, lines: int) -> list[asyncio.Future[None]]:
    made = [Event(execution, NOW, "line") for _ in range(lines)]
    return [store.write_lines(execution, lines, events.add, made) for _ in range(writes)]


def test_what_is_about_an_execution_overtakes_the_lines_of_others_and_follows_its_own(store: Store) -> None:
    for id in ("e1", "e2"):
        create(store, id, force=True)

    async def write() -> None:
        gate = Gate(store)
        loud = say(store, "e1", 50, 100)
        own = say(store, "e2", 2, 1)
        urgent = store.write_about(("e2",), lambda conn: (count(conn, "e1"), count(conn, "e2")))
        last = store.write(count, "e1")
        gate.open()
        assert await urgent == (LINES, 2)
        assert await last == 5000
        await asyncio.gather(*loud, *own)

    asyncio.run(write())


def test_a_write_is_handed_over_by_its_call(store: Store) -> None:
    create(store)

    async def main() -> None:
        first = store.write(add, "first")
        await store.write(add, "second")
        assert first.done()
        assert await store.read(tail, "e1", 0, 10) == happened(store)

    asyncio.run(main())
    assert messages(store) == ["first", "second"]


def test_one_that_fails_hurts_no_other(store: Store) -> None:
    create(store)

    async def main() -> list[str | BaseException]:
        gate = Gate(store)
        futures: list[asyncio.Future[str]] = [
            store.write(add, f"{place}", broken="3" if place == 3 else None) for place in range(6)
        ]
        futures.append(store.write(lambda conn: manager_queries.get(conn, "nope").id))
        futures.append(store.write(lambda conn: conn.exec_driver_sql("SELEKT").scalar_one()))
        gate.open()
        return await asyncio.gather(*futures, return_exceptions=True)

    answers = asyncio.run(main())
    assert [answer for answer in answers if isinstance(answer, str)] == ["0", "1", "2", "4", "5"]
    assert isinstance(answers[3], ZeroDivisionError)
    assert store.read_sync(task_counts.get, "e1") == (5, 0)
    assert isinstance(answers[6], NotFound)
    assert "SELEKT" in str(answers[7])
    assert messages(store) == ["0", "1", "2", "4", "5"]
    assert store.healthy


def test_a_caller_that_goes_away_does_not_stop_its_write(store: Store) -> None:
    create(store)

    async def main() -> None:
        gate = Gate(store)
        future = store.write(add, "kept")
        future.cancel()
        gate.open()
        await store.write(add, "next")

    asyncio.run(main())
    assert messages(store) == ["kept", "next"]

    async def leave() -> Gate:
        gate = Gate(store)
        store.write(add, "for nobody")
        return gate

    asyncio.run(leave()).open()
    assert store.write_sync(add, "last") == "last"
    assert messages(store)[2:] == ["for nobody", "last"]
    gc.collect()


def test_several_loops_and_threads_share_the_writer(store: Store) -> None:
    create(store)

    def loop() -> int:
        async def main() -> int:
            return len(await asyncio.gather(*(store.write(add, "loop") for _ in range(50))))

        return asyncio.run(main())

    def thread() -> int:
        return len([store.write_sync(add, "thread") for _ in range(50)])

    together = Together(loop, thread, loop, thread)
    assert together.answers == [50] * 4
    assert len(messages(store)) == 200
    assert store.commits < 200


def test_a_reader_sees_what_was_answered_and_can_not_write(store: Store) -> None:
    create(store)
    for place in range(20):
        store.write_sync(add, f"{place}")
        assert len(messages(store)) == place + 1
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        store.read_sync(add, "no")
    assert len(messages(store)) == 20


def test_a_query_sees_one_moment(store: Store) -> None:
    create(store)

    def twice(conn: Connection) -> tuple[int, int]:
        before = len(tail(conn, "e1", 0, 10))
        store.write_sync(add, "meanwhile")
        return before, len(tail(conn, "e1", 0, 10))

    assert store.read_sync(twice) == (0, 0)
    assert store.read_sync(twice) == (1, 1)


def test_two_that_make_the_same_thing_conflict(store: Store) -> None:
    create(store)
    with pytest.raises(Conflict, match="Nothing was written"):
        create(store, force=True)


def test_close_finishes_what_waits(database_url: str) -> None:
    store = Store.open(database_url)
    create(store)

    async def main() -> list[str]:
        futures = [store.write(add, f"{place}") for place in range(50)]
        store.close()
        with pytest.raises(Unavailable, match="closed"):
            store.write(add, "late")
        return list(await asyncio.gather(*futures))

    assert len(asyncio.run(main())) == 50
    with pytest.raises(Unavailable):
        store.write_sync(add, "late")
    with pytest.raises(Unavailable):
        store.read_sync(manager_queries.get, "e1")
    store.close()
    again = Store.open(database_url)
    assert len(messages(again)) == 50
    again.close()


WRITES = """
import sys, threading
from datetime import UTC, datetime
from cloudwright.model.event import Event
from cloudwright.storage import events
from cloudwright.storage.store import Store

store = Store.open(sys.argv[1])
lock = threading.Lock()

def write(name):
    for place in range(100_000):
        store.write_sync(events.add, [Event("e1", datetime.now(UTC), f"{name}-{place}")])
        with lock:
            print(f"{name}-{place}", flush=True)

for name in "abcd":
    threading.Thread(target=write, args=(name,)).start()
"""


def test_what_was_answered_survives_a_kill(store: Store, database_url: str) -> None:
    create(store)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.Popen(
        [sys.executable, "-c", WRITES, database_url],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).parent,
    )
    assert child.stdout is not None
    answered = [child.stdout.readline().strip() for _ in range(200)]
    child.send_signal(signal.SIGKILL)
    answered += child.stdout.read().split("\n")[:-1]
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    stored = messages(store)
    assert set(answered) <= set(stored)
    assert len(stored) == len(set(stored))
    # Nor does a killed writer stand in anybody's way.
    store.write_sync(add, "after")


_ENDLESS = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")


def test_a_query_for_a_page_is_interrupted_and_its_reader_goes_on(database_url: str) -> None:
    store = Store.open(database_url, page_time_limit=0.2)
    try:

        async def main() -> None:
            for _ in range(3):
                with pytest.raises(QueryTooSlow, match=r"longer than 0\.2 s"):
                    await store.read_page(lambda conn: conn.execute(_ENDLESS).scalar())
            assert await store.read_page(lambda conn: conn.scalar(text("SELECT 7"))) == 7

        asyncio.run(main())
    finally:
        store.close()


def test_pages_and_tails_hold_up_no_other_query(store: Store) -> None:
    release = threading.Event()

    async def main() -> None:
        def wait(conn: Connection) -> bool:
            return release.wait(20)

        reads = (store.read_page, store.read_tail)
        held = [asyncio.ensure_future(read(wait)) for read in reads for _ in range(4)]
        try:
            assert await store.read(lambda conn: conn.scalar(text("SELECT 7"))) == 7
        finally:
            release.set()
        assert await asyncio.gather(*held) == [True] * 8

    asyncio.run(main())
