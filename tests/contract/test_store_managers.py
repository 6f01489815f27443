"""The leases of managers that share a database, by its clock: a lease of a negative time is over at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from stored import NOW, at, create, send, start

from cloudwright.storage import manager_queries, managers, operations
from cloudwright.storage.executions import claims
from cloudwright.storage.managers import ManagerFacts, ManagerRow
from cloudwright.storage.store import Store

FACTS = ManagerFacts("m1", "life1", "machine1:home", "host1", "http://host1:8100", "1.0", "postgresql")
LONG, OVER = 3600.0, -1.0


def register(store: Store, facts: ManagerFacts = FACTS, lease: float = LONG, margin: float = 60.0) -> bool:
    return store.write_sync(managers.register, facts, lease=lease, margin=margin)


def row(store: Store, name: str = "m1") -> ManagerRow:
    rows, _ = store.read_sync(managers.everyone)
    return next(found for found in rows if found.name == name)


def own(store: Store, owner: str = "m1") -> None:
    """Have an execution whose owner shares the database."""
    create(store)
    assert store.write_sync(claims.claim, "e1", owner, None, NOW) is not None


def grant(store: Store, id: str, worker: str) -> None:
    assert store.write_sync(operations.grant, [("e1", 1, id, 1)], worker, NOW) == {id}


def test_a_manager_has_a_lease_and_a_margin_by_the_clock_of_the_database(store: Store) -> None:
    assert register(store)
    rows, now = store.read_sync(managers.everyone)
    assert [(found.name, found.life, found.host) for found in rows] == [("m1", "life1", "host1")]
    assert rows[0].renewed_at <= now < rows[0].lease_until < rows[0].free_at
    assert timedelta(seconds=59) < rows[0].free_at - rows[0].lease_until < timedelta(seconds=61)
    assert store.read_sync(managers.alive) == {"m1"}


def test_a_lease_is_renewed_by_its_own_life_and_only_before_its_end(store: Store) -> None:
    register(store, lease=60.0)
    before = row(store)
    assert store.write_sync(managers.renew, "m1", "life1", lease=LONG, margin=60.0)
    assert row(store).lease_until > before.lease_until
    assert not store.write_sync(managers.renew, "m1", "another life", lease=LONG, margin=60.0)
    assert store.write_sync(managers.renew, "m1", "life1", lease=OVER, margin=60.0)
    assert store.read_sync(managers.alive) == {"m1"}  # for the margin
    assert not store.write_sync(managers.renew, "m1", "life1", lease=LONG, margin=60.0)


def test_another_life_in_the_same_place_begins_at_once(store: Store) -> None:
    register(store)
    assert register(store, replace(FACTS, life="life2", url="http://elsewhere"))
    assert (row(store).life, row(store).url) == ("life2", "http://elsewhere")
    assert not store.write_sync(managers.renew, "m1", "life1", lease=LONG, margin=60.0)


@pytest.mark.parametrize(
    ("lease", "margin", "registers"), [(LONG, 60.0, False), (OVER, 60.0, False), (OVER, 0.0, True)]
)
def test_a_copy_of_a_home_elsewhere_waits_until_the_former_runs_nothing(
    store: Store, lease: float, margin: float, registers: bool
) -> None:
    register(store, lease=lease, margin=margin)
    assert register(store, replace(FACTS, life="life2", place="machine2:home")) is registers
    assert row(store).life == ("life2" if registers else "life1")


def test_who_ended_everything_frees_its_lease(store: Store) -> None:
    register(store)
    store.write_sync(managers.free, "m1", "another life")
    assert store.read_sync(managers.alive) == {"m1"}
    store.write_sync(managers.free, "m1", "life1")
    assert store.read_sync(managers.alive) == frozenset()


def test_a_live_manager_s_executions_are_not_taken_over(store: Store) -> None:
    register(store)
    own(store)

    def take(owner: str) -> bool:
        taken = store.write_sync(
            claims.take_over, "e1", old_term=1, owner=owner, lease_until=None, now=at(10**9)
        )
        return taken is not None

    assert not take("m2")
    store.write_sync(managers.renew, "m1", "life1", lease=OVER, margin=60.0)
    assert not take("m2"), "the margin is not over"
    register(store, lease=OVER, margin=0.0)
    assert take("m2")
    assert store.read_sync(manager_queries.get, "e1").owner == "m2"


def test_a_manager_takes_its_own_executions_over_at_once(store: Store) -> None:
    register(store)
    own(store)
    taken = store.write_sync(claims.take_over, "e1", old_term=1, owner="m1", lease_until=None, now=NOW)
    assert taken is not None


def test_what_is_stored_as_running_at_a_manager_that_is_gone(store: Store) -> None:
    register(store)
    start(store)
    send(store, "o1")
    grant(store, "o1", "m1")
    assert store.read_sync(managers.left_running) == []
    register(store, lease=OVER, margin=0.0)
    assert store.read_sync(managers.left_running) == ["o1"]
    store.write_sync(operations.lose, ["o1"], "gone", at(5))
    assert store.read_sync(managers.left_running) == []


def test_managers_that_are_long_gone_are_forgotten_unless_something_runs_there(store: Store) -> None:
    register(store, lease=OVER, margin=0.0)
    register(store, replace(FACTS, name="m2"), lease=OVER, margin=0.0)
    register(store, replace(FACTS, name="m3"))
    start(store)
    send(store, "o1")
    grant(store, "o1", "m2")
    _, now = store.read_sync(managers.everyone)
    store.write_sync(managers.forget, now - timedelta(hours=1))
    assert len(store.read_sync(managers.everyone)[0]) == 3
    store.write_sync(managers.forget, now + timedelta(hours=1))
    assert [found.name for found in store.read_sync(managers.everyone)[0]] == ["m2", "m3"]
