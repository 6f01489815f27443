"""Managers that share a PostgreSQL database: threads renew their leases by sessions of a real server."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from cloudwright.errors import IllegalAction, InvalidInput, Unavailable
from cloudwright.storage import managers, shared_use
from cloudwright.storage.exclusive_use import exclusive_use
from cloudwright.storage.managers import ManagerFacts
from cloudwright.storage.shared_use import SharedUse
from cloudwright.storage.store import Store, database_at
from postgres import PostgresServer

FACTS = ManagerFacts("m1", "life1", "machine1:home", "host1", "http://host1:8100", "1.0", "postgresql")
PATIENCE = 30.0


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.clean_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


class Manager:
    """Has a lease, and hears of it."""

    def __init__(self, url: str, facts: ManagerFacts = FACTS, lease: float = 60.0) -> None:
        self.renewed: queue.Queue[float] = queue.Queue()
        self.lost: queue.Queue[str] = queue.Queue()
        self.use = SharedUse(
            database_at(url), facts, lease=lease, on_renewed=self.renewed.put, on_lost=self.lost.put
        )

    def __enter__(self) -> Manager:
        self.use.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.use.close()


def test_several_have_a_lease_each_and_free_it_at_their_end(url: str, store: Store) -> None:
    with Manager(url) as one:
        with Manager(url, replace(FACTS, name="m2", place="machine2:home")):
            assert store.read_sync(managers.alive) == {"m1", "m2"}
        assert store.read_sync(managers.alive) == {"m1"}
        assert one.renewed.get(timeout=PATIENCE) > 0
    assert store.read_sync(managers.alive) == frozenset()
    assert one.lost.empty()


def test_a_lease_is_renewed_again_and_again_and_each_sending_is_later(url: str, store: Store) -> None:
    with Manager(url, lease=0.6) as manager:
        sent = [manager.renewed.get(timeout=PATIENCE) for _ in range(5)]
        assert sent == sorted(set(sent))
        assert store.read_sync(managers.alive) == {"m1"}


def test_a_lease_outlives_its_session(url: str, store: Store, postgres: PostgresServer) -> None:
    with Manager(url, lease=6.0) as manager:
        manager.renewed.get(timeout=PATIENCE)
        with postgres.connect() as conn:
            ended = conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'cloudwright manager m1'"
            ).fetchall()
        assert ended == [(True,)]
        manager.renewed.get(timeout=PATIENCE)
        with pytest.raises(IllegalAction), exclusive_use(database_at(url), "single", print):
            pass
        assert manager.lost.empty()


def test_whose_lease_is_over_is_told_to_end(url: str, store: Store) -> None:
    with Manager(url, lease=3.0) as manager:
        store.write_sync(managers.renew, "m1", "life1", lease=-1.0, margin=60.0)
        assert "is over" in manager.lost.get(timeout=PATIENCE)


def test_one_that_does_not_share_is_refused_and_refuses(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_use, "PATIENCE", 0.0)
    monkeypatch.setattr("cloudwright.storage.exclusive_use.PATIENCE", 0.0)
    with Manager(url), pytest.raises(IllegalAction, match="cloudwright manager m1, connected"):  # noqa: SIM117
        with exclusive_use(database_at(url), "single", print):
            pass
    with exclusive_use(database_at(url), "single", print), pytest.raises(IllegalAction, match="for itself"):
        Manager(url).use.open()
    assert store.read_sync(managers.alive) == frozenset()


def test_a_copy_of_a_home_is_refused_while_the_first_lives(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_use, "PATIENCE", 0.0)
    copy = replace(FACTS, life="life2", place="machine2:home")
    with Manager(url), pytest.raises(IllegalAction, match="is this home a copy"):
        Manager(url, copy).use.open()
    with Manager(url, copy):
        assert store.read_sync(managers.alive) == {"m1"}


def test_sqlite_is_not_shared(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="PostgreSQL"):
        Manager(f"sqlite:///{tmp_path}/store.db").use.open()


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    with ExitStack() as stack, pytest.raises(Unavailable, match="cannot be opened"):
        stack.enter_context(Manager(f"postgresql+psycopg://cw@/x?host={tmp_path}"))
