"""Deliveries of hooks: stored with what triggers them, taken once, and tried again; on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from stored import NOW, TENANT, at, create, deploy, start

from cloudwright.errors import Conflict, IllegalAction, NotFound
from cloudwright.model.event import Event
from cloudwright.model.execution import CancelMode, Outcome
from cloudwright.model.hook import DeliveryState, Hook
from cloudwright.storage import events, hooks
from cloudwright.storage.executions import cancellation, claims, ending
from cloudwright.storage.hooks import Delivery
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.store import Connection, Store


def hook(store: Store, id: str = "h1", **more: Any) -> Hook:
    made = Hook(**{"id": id, "tenant": TENANT, "url": "http://x", "secret": "s", "created_at": NOW, **more})
    return store.write_sync(hooks.create, made)


def deliveries(store: Store, id: str = "h1") -> list[Delivery]:
    found, total = store.read_sync(hooks.list_deliveries, TENANT, id, None, EVERYTHING)
    assert total == len(found)
    return sorted(found, key=lambda one: (one.created_at, one.event_type))


def take(store: Store, when: float = 1, id: str = "h1", **more: Any) -> list[Delivery]:
    arguments: dict[str, Any] = {"by": "m1", "most": 10, "until": at(when + 60), "now": at(when), **more}
    return store.write_sync(hooks.take, TENANT, id, **arguments)


def test_a_status_triggers_with_what_stores_it(store: Store) -> None:
    deploy(store)
    hook(store, statuses=["failed", "cancelling"])
    hook(store, "others", statuses=["terminated"])
    hook(store, "off", statuses=["failed"], enabled=False)
    hook(store, "foreign", statuses=["failed"], tenant="elsewhere")
    hook(store, "of_d2", statuses=["failed"], of_deployment="d2")
    start(store)
    assert deliveries(store) == []
    store.write_sync(cancellation.request_cancel, "e1", CancelMode.CANCEL, by="me", now=at(1))
    store.write_sync(ending.finish, "e1", 1, Outcome.FAILED, error="broken", now=at(2))
    asked, failed = deliveries(store)
    assert (asked.event_type, asked.payload["status"]) == ("execution_cancel_requested", "cancelling")
    assert (failed.state, failed.attempts, failed.execution_id) == (DeliveryState.PENDING, 0, "e1")
    assert failed.payload["id"] == failed.id
    assert failed.payload["execution"]["error"] == "broken"
    assert failed.payload["timestamp"] == "2026-11-01T12:00:02.000Z"
    for other in ("others", "off", "of_d2"):
        assert deliveries(store, other) == []
    assert store.read_sync(hooks.list_deliveries, "elsewhere", "foreign", None, EVERYTHING) == ([], 0)


def test_a_waiting_execution_that_is_cancelled_is_only_cancelled(store: Store) -> None:
    deploy(store)
    hook(store, statuses=["cancelling", "cancelled", "kill_cancelling"])
    create(store)
    store.write_sync(cancellation.request_cancel, "e1", CancelMode.KILL, by="me", now=at(1))
    assert [one.payload["status"] for one in deliveries(store)] == ["cancelled"]


def test_types_of_events_trigger_and_lines_of_log_do_not(store: Store) -> None:
    deploy(store)
    create(store)
    hook(store, event_types=["task_*"])
    happened = [
        Event("e1", at(1), "begins", event_type="task_started", node_instance_id="n_1"),
        Event("e1", at(2), "ends\0", event_type="task_ended\0"),
        Event("e1", at(3), "a line", kind="cloudify_log", level="info", event_type="task_started"),
        Event("e1", at(4), "else", event_type="workflow_stage"),
    ]
    store.write_sync(events.add, happened)
    assert [one.payload["message"] for one in deliveries(store)] == ["begins", "ends\0"]
    assert deliveries(store)[0].payload["node_instance_id"] == "n_1"


def test_nothing_is_left_of_what_was_rolled_back(store: Store) -> None:
    deploy(store)
    create(store)
    hook(store, event_types=["it"])

    def fails(conn: Connection) -> None:
        events.add(conn, [Event("e1", at(1), "never", event_type="it")])
        raise Conflict("no")

    with pytest.raises(Conflict):
        store.write_sync(fails)
    store.write_sync(events.add, [Event("e1", at(1), "once", event_type="it")])
    assert [one.payload["message"] for one in deliveries(store)] == ["once"]


def test_the_writer_says_that_something_was_triggered(store: Store) -> None:
    deploy(store)
    create(store)
    told = []
    store.on_triggered = lambda: told.append(1)
    store.write_sync(events.add, [Event("e1", at(1), "x", event_type="it")])
    hook(store, event_types=["it"])
    assert told == []
    store.write_sync(events.add, [Event("e1", at(1), "x", event_type="it")])
    assert told == [1]


def happen(store: Store, *times: float) -> None:
    deploy(store)
    create(store)
    hook(store, event_types=["it"])
    store.write_sync(events.add, [Event("e1", at(when), f"{when}", event_type="it") for when in times])


def test_a_delivery_is_taken_by_one_and_ends_once(store: Store, other: Store) -> None:
    happen(store, 0, 0.5, 5)
    assert store.read_sync(hooks.due) == [(TENANT, "h1", at(0))]
    first, second = take(store)
    assert (first.attempts, first.payload["message"]) == (1, "0")
    assert take(other, by="m2") == []
    store.write_sync(hooks.finish, first, DeliveryState.DELIVERED, at(2), response_status=204)
    store.write_sync(hooks.postpone, second, at(9), response_status=500, error="it said no")
    assert [one.payload["message"] for one in take(store, 6)] == ["5"]
    (again,) = take(store, 9)
    assert (again.id, again.attempts, again.error) == (second.id, 2, "it said no")
    store.write_sync(hooks.finish, second, DeliveryState.FAILED, at(9), error="of an attempt before")
    assert deliveries(store)[1].state == DeliveryState.PENDING
    ended = deliveries(store)[0]
    assert (ended.state, ended.response_status, ended.ended_at) == (DeliveryState.DELIVERED, 204, at(2))


def test_what_an_earlier_life_took_is_tried_again(store: Store) -> None:
    happen(store, 0)
    (taken,) = take(store)
    store.write_sync(hooks.release, "m2", at(2))
    assert take(store, 2) == []
    store.write_sync(hooks.release, "m1", at(2))
    (again,) = take(store, 2)
    assert (again.id, again.attempts) == (taken.id, 2)
    assert [one.attempts for one in take(store, 62)] == [3]


def test_a_user_has_a_delivery_tried_again(store: Store) -> None:
    happen(store, 0, 0.5)
    given_up, delivered = take(store)
    store.write_sync(hooks.finish, given_up, DeliveryState.FAILED, at(2), error="no")
    store.write_sync(hooks.finish, delivered, DeliveryState.DELIVERED, at(2))
    with pytest.raises(Conflict):
        store.write_sync(hooks.retry, TENANT, "h1", delivered.id, at(3))
    with pytest.raises(NotFound):
        store.write_sync(hooks.retry, TENANT, "other", given_up.id, at(3))
    again = store.write_sync(hooks.retry, TENANT, "h1", given_up.id, at(3))
    assert (again.state, again.attempts, again.ended_at) == (DeliveryState.PENDING, 0, None)
    assert [one.id for one in take(store, 3)] == [given_up.id]


def test_what_a_hook_starts_starts_no_other_but_is_reported(store: Store) -> None:
    deploy(store)
    hook(store, statuses=["terminated"], url=None, secret=None, workflow_id="heal")
    hook(store, "web", statuses=["terminated"])
    start(store)
    store.write_sync(ending.finish, "e1", 1, Outcome.TERMINATED, now=at(1))
    (trigger,) = take(store)
    start(store, "started")
    store.write_sync(hooks.finish, trigger, DeliveryState.DELIVERED, at(2), started_execution="started")
    create(store, "child", "d1", force=True, parent_id="started", depth=1)
    assert store.write_sync(claims.claim, "child", "m1", at(30), at(3))
    store.write_sync(ending.finish, "child", 1, Outcome.TERMINATED, now=at(3))
    store.write_sync(ending.finish, "started", 1, Outcome.TERMINATED, now=at(4))
    assert [one.execution_id for one in deliveries(store)] == ["e1"]
    assert [one.execution_id for one in deliveries(store, "web")] == ["e1", "child", "started"]


def test_hooks_are_listed_changed_and_deleted_with_their_deliveries(store: Store) -> None:
    happen(store, 0)
    hook(store, "h2", event_types=["it"])
    found, total = store.read_sync(hooks.list_hooks, TENANT, None, "H", EVERYTHING)
    assert ([one.id for one in found], total) == (["h1", "h2"], 2)
    changed = store.write_sync(hooks.change, TENANT, "h1", {"enabled": False, "url": "http://y"})
    assert changed == replace(found[0], enabled=False, url="http://y")
    with pytest.raises(Conflict):
        hook(store)
    store.write_sync(hooks.remove, TENANT, "h1")
    assert deliveries(store) == []
    with pytest.raises(NotFound):
        store.read_sync(hooks.get, TENANT, "h1")


def test_hooks_that_change_are_looked_at_as_they_are(store: Store) -> None:
    """The writer keeps those that it read: what changes them says so, in the transaction itself too."""
    deploy(store)
    create(store)

    def happen_now(message: str) -> None:
        store.write_sync(events.add, [Event("e1", at(1), message, event_type="it")])

    def made_and_failed(conn: Connection) -> None:
        hooks.create(conn, Hook(id="h2", tenant=TENANT, url="http://x", event_types=["it"], created_at=NOW))
        raise Conflict("no")

    happen_now("before")
    with pytest.raises(Conflict, match="no"):
        store.write_sync(made_and_failed)
    hook(store, event_types=["it"])
    happen_now("one")
    store.write_sync(hooks.change, TENANT, "h1", {"enabled": False})
    happen_now("while it was off")
    store.write_sync(hooks.change, TENANT, "h1", {"enabled": True})
    happen_now("two")
    assert {one.payload["message"] for one in deliveries(store)} == {"one", "two"}
    store.write_sync(hooks.remove, TENANT, "h1")
    happen_now("after")
    assert deliveries(store) == deliveries(store, "h2") == []


def test_a_tenant_has_so_many_hooks_at_most(store: Store) -> None:
    for number in range(hooks.MAX_HOOKS):
        hook(store, f"h{number}")
    with pytest.raises(IllegalAction, match="100 hooks"):
        hook(store, "more")


def test_old_deliveries_are_deleted_and_pending_ones_stay(store: Store) -> None:
    happen(store, 0, 0.5, 0.6)
    old, young, _ = take(store)
    store.write_sync(hooks.finish, old, DeliveryState.FAILED, at(2))
    store.write_sync(hooks.finish, young, DeliveryState.DELIVERED, at(20))
    assert store.write_sync(hooks.delete_ended, at(10), 5) == 1
    assert {one.state for one in deliveries(store)} == {DeliveryState.DELIVERED, DeliveryState.PENDING}
