"""Events and logs: kept in order, found again by what they are about."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from sqlalchemy import delete
from stored import NOW, TENANT, EventRecord, at, create, deploy, happened, tail

from cloudwright.errors import Conflict
from cloudwright.model.event import LOG, Event
from cloudwright.storage import events
from cloudwright.storage.filters import EventFilter
from cloudwright.storage.paging import EVERYTHING, Page
from cloudwright.storage.schema import node_instances
from cloudwright.storage.store import Store

FULL = Event(
    "e1",
    NOW,
    "it happened",
    event_type="task_started",
    node_instance_id="n1_a",
    source_id="n1_a",
    target_id="n1_b",
    operation="create",
    operation_id="o1",
    details={"why": [1, None]},
)


def test_what_was_stored_comes_back_with_what_it_is_about(store: Store) -> None:
    deploy(store)
    create(store)
    store.write_sync(events.add, [FULL])
    row = happened(store)[0]
    assert asdict(FULL).items() <= asdict(row).items()
    assert (row.workflow_id, row.deployment_id, row.blueprint_id, row.node_name) == (
        "install",
        "d1",
        "b1",
        "n1",
    )
    # The event stays when its node instance is gone.
    store.write_sync(lambda conn: conn.execute(delete(node_instances).where(node_instances.c.id == "n1_a")))
    assert replace(row, node_name=None) == happened(store)[0]


def test_a_tail_follows_one_execution(store: Store) -> None:
    create(store, "e1", None)
    create(store, "e2", None)
    for place in range(6):
        store.write_sync(
            events.add, [replace(FULL, execution_id=id, message=f"{place}") for id in ("e1", "e2")]
        )
    seen: list[str] = []
    last = 0
    while rows := store.read_sync(tail, "e2", last, 4):
        assert {row.execution_id for row in rows} == {"e2"}
        seen += [row.message for row in rows]
        last = rows[-1].id
    assert seen == list("012345")
    assert store.read_sync(tail, "nope", 0, 10) == []
    store.write_sync(events.add, [])


def test_what_no_database_keeps_is_replaced(store: Store) -> None:
    create(store)
    odd = replace(
        FULL,
        kind=LOG,
        message="a\0b\ud800c ü",
        logger="x\0y",
        level="\0",
        event_type="\ud800",
        operation="o\0",
        details={"x": "\0\ud800"},
    )
    store.write_sync(events.add, [odd])
    row = happened(store)[0]
    assert (row.message, row.logger) == ("a\N{REPLACEMENT CHARACTER}b?c ü", "x\N{REPLACEMENT CHARACTER}y")
    assert row.details == {"x": "\ufffd?"}
    assert (row.level, row.event_type, row.operation) == ("\ufffd", "?", "o\ufffd")


def test_an_event_of_no_execution_is_refused(store: Store) -> None:
    with pytest.raises(Conflict, match=r"(?i)foreign key.* Nothing was written"):
        store.write_sync(events.add, [FULL])


def test_lists(store: Store) -> None:
    deploy(store, "d1")
    create(store, "e1", "d1")
    create(store, "e2", "d2", tenant="other")
    store.write_sync(
        events.add,
        [
            replace(FULL, message="one"),
            replace(
                FULL, message="Two 100%", timestamp=at(1), event_type="task_failed", node_instance_id=None
            ),
            replace(FULL, message="three", timestamp=at(2), kind=LOG, event_type=None, level="error"),
            replace(FULL, message="four", timestamp=at(3), execution_id="e2", operation_id="o2"),
        ],
    )

    def found(page: Page = EVERYTHING, **filter: object) -> list[str]:
        rows, total = store.read_sync(events.listing(EventFilter(**filter)).read, EventRecord, page)  # type: ignore[arg-type]
        assert total >= len(rows)
        return [row.message for row in rows]

    assert found() == ["one", "Two 100%", "three", "four"]
    assert found(tenant=TENANT) == ["one", "Two 100%", "three"]
    assert found(execution_ids=["e2", "nope"]) == ["four"]
    assert found(deployment_ids=["d1"]) == ["one", "Two 100%", "three"]
    assert found(blueprint_ids=["b1"]) == found()
    assert found(node_ids=["n1"]) == ["one", "three"]
    assert found(node_instance_ids=["n1_a"]) == ["one", "three", "four"]
    assert found(operation_ids=["o2"]) == ["four"]
    assert found(event_types=["task_failed"]) == ["Two 100%"]
    assert found(levels=["error"]) == ["three"]
    assert found(operations=["create"]) == found()
    assert found(message="two 100%") == ["Two 100%"]
    assert found(message="t%o") == []
    assert found(from_time=at(1), to_time=at(2)) == ["Two 100%", "three"]
    assert found(include_logs=False) == ["one", "Two 100%", "four"]
    assert found(include_events=False) == ["three"]
    assert found(include_events=False, include_logs=False) == []
    first = store.read_sync(events.listing(EventFilter()).read, EventRecord, EVERYTHING)[0][0]
    assert found(after_id=first.id) == ["Two 100%", "three", "four"]
    newest = Page(size=2, sort=(("timestamp", True),))
    assert found(newest) == ["four", "three"]
    # Of several executions, and so in another way.
    assert found(newest, deployment_ids=["d1"]) == ["three", "Two 100%"]
    assert found(Page(size=2, offset=2, sort=newest.sort), blueprint_ids=["b1"]) == ["Two 100%", "one"]
    assert found(newest, blueprint_ids=["b1"], tenant=TENANT, node_ids=["n1"]) == ["three", "one"]
    for filter in (EventFilter(deployment_ids=["d1"]), EventFilter(tenant=TENANT)):
        assert store.read_sync(events.listing(filter).read, EventRecord, newest)[1] == 3
