"""Pages of lists that grow, by the ID of a record; sessions that are over. On each database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
from stored import NOW, at, create

from cloudwright.model.event import Event
from cloudwright.storage import accounts, events, manager_queries
from cloudwright.storage.filters import EventFilter, ExecutionFilter
from cloudwright.storage.paging import EVERYTHING, Page
from cloudwright.storage.records import Token
from cloudwright.storage.resources import event
from cloudwright.storage.store import Store

NEWEST_FIRST = (("created_at", True), ("id", True))


def _ids(store: Store, filter: ExecutionFilter, size: int | None = None) -> list[str]:
    rows, _ = store.read_sync(manager_queries.list_executions, filter, Page(size, 0, NEWEST_FIRST))
    return [row.id for row in rows]


def _events(store: Store, filter: EventFilter) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(
        f"[{store.read_sync(event.get_page, filter, None, EVERYTHING).items}]"
    )
    return found


def test_executions_are_paged_through_while_new_ones_come(store: Store) -> None:
    # Three of one moment: their ids order them, so that none is on two pages or on none.
    for number in range(6):
        create(store, f"e{number}", deployment_id=f"d{number}", now=at(number // 3))
    first = _ids(store, ExecutionFilter(), 2)
    create(store, "new", deployment_id="new", now=at(9))
    second = _ids(store, ExecutionFilter(older_than=first[-1]), 2)
    third = _ids(store, ExecutionFilter(older_than=second[-1]), 2)
    assert first + second + third == ["e5", "e4", "e3", "e2", "e1", "e0"]
    assert _ids(store, ExecutionFilter(newer_than=first[0])) == ["new"]
    assert _ids(store, ExecutionFilter(newer_than="e2", older_than="e5")) == ["e4", "e3"]


def test_after_or_before_what_is_not_there_is_nothing(store: Store) -> None:
    create(store, "e1")
    assert _ids(store, ExecutionFilter(older_than="nope")) == []
    assert _ids(store, ExecutionFilter(newer_than="nope")) == []


def test_events_are_read_from_one_to_another(store: Store) -> None:
    create(store, "e1")
    store.write_sync(events.add, [Event("e1", NOW, f"event {number}") for number in range(5)])
    every = _events(store, EventFilter(execution_ids=["e1"]))
    numbers = [each["id"] for each in every if each["message"].startswith("event ")]
    between = EventFilter(execution_ids=["e1"], after_id=numbers[1], before_id=numbers[4])
    found = _events(store, between)
    assert [each["message"] for each in found] == ["event 2", "event 3"]


def test_what_has_expired_is_removed_of_one_user_and_one_kind(store: Store) -> None:
    for name in ("ann", "bob"):
        store.write_sync(accounts.create_user, name, "x", "default", NOW)
    for id, username, about, expires in (
        ("over", "ann", "session", at(1)),
        ("lives", "ann", "session", at(9)),
        ("other", "ann", "token", at(1)),
        ("bobs", "bob", "session", at(1)),
        ("never", "ann", "session", None),
    ):
        token = Token(id, username, "hash", about, NOW - timedelta(1), expires, None)
        store.write_sync(accounts.add_token, token)
    store.write_sync(accounts.delete_expired, "ann", "session", at(2))
    rows, _ = store.read_sync(accounts.list_tokens, None, EVERYTHING)
    assert {row.id for row in rows} == {"lives", "other", "bobs", "never"}
