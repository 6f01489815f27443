"""Executions and events that are deleted, and those that stay, on both databases."""

from __future__ import annotations

from dataclasses import replace

from stored import TENANT, at, create, deploy, happened, run, start

from cloudwright.model.event import Event
from cloudwright.model.execution import Outcome
from cloudwright.storage import deployments, events, manager_queries
from cloudwright.storage.executions import claims, ending, retention
from cloudwright.storage.filters import EventFilter, ExecutionFilter
from cloudwright.storage.store import Store


def ended(store: Store, id: str, when: float = 0) -> None:
    create(store, id, "d1", force=True, now=at(when))
    assert store.write_sync(claims.claim, id, "m1", at(30), at(when))
    assert store.write_sync(ending.finish, id, 1, Outcome.TERMINATED, now=at(when + 1))


def deletable(store: Store, **narrowed: object) -> list[str]:
    return store.read_sync(retention.deletable, replace(ExecutionFilter(TENANT), **narrowed))  # type: ignore[arg-type]


def test_what_is_over_can_be_deleted(store: Store) -> None:
    deploy(store)
    for number, id in enumerate(("old", "new", "kept")):
        ended(store, id, number * 10)
    create(store, "pending", "d1", force=True)
    store.write_sync(lambda conn: deployments.update(conn, TENANT, "d1", at(1), create_execution="kept"))
    assert deletable(store) == ["old", "new"]
    assert deletable(store, created_to=at(5)) == ["old"]
    assert deletable(store, workflow_ids=["heal"]) == []
    store.write_sync(events.add, [Event("old", at(1), "hello")])
    assert store.write_sync(retention.delete_executions, ["old", "pending", "kept", "gone"]) == 1
    assert happened(store, "old") == []
    assert store.read_sync(manager_queries.get, "pending").id == "pending"


def test_what_still_runs_stays(store: Store) -> None:
    deploy(store)
    start(store)
    run(store, "o1")
    assert store.write_sync(ending.finish, "e1", 1, Outcome.CANCELLED, now=at(1))
    assert deletable(store) == []
    assert store.write_sync(retention.delete_executions, ["e1"]) == 0


def test_events_are_deleted_some_at_a_time(store: Store) -> None:
    deploy(store)
    ended(store, "e1")
    store.write_sync(events.add, [Event("e1", at(n), f"m{n}", event_type="it") for n in range(5)])
    until = store.read_sync(retention.latest_event)
    store.write_sync(events.add, [Event("e1", at(9), "later")])
    wanted = EventFilter(TENANT, deployment_ids=["d1"], message="m", to_time=at(3))
    assert [store.write_sync(retention.delete_events, wanted, until, 3) for _ in range(3)] == [3, 1, 0]
    assert [event.message for event in happened(store) if event.event_type != "x"][-2:] == ["m4", "later"]
