"""Lists whose JSON the database makes say, byte by byte, what is said of each record alone."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, Table, insert, update
from stored import NOW, TENANT, deploy, grant, run, send, start

from cloudwright.api import queries, schemas, serializers
from cloudwright.api.listing import EVENT_OR_LOG, EXECUTION, NODE_INSTANCE, OPERATION
from cloudwright.api.responses import json_page_response, list_page
from cloudwright.errors import InvalidInput
from cloudwright.model.event import EVENT, LOG, Event
from cloudwright.model.execution import END_STATUSES, CancelMode, ExecutionStatus
from cloudwright.model.operation import OperationState
from cloudwright.storage import events, execution_queries, instances, operations
from cloudwright.storage.filters import EventFilter, ExecutionFilter, InstanceFilter, OperationFilter
from cloudwright.storage.json_pages import Projection, json_page
from cloudwright.storage.paging import EVERYTHING, Listing, Page
from cloudwright.storage.records import EventRecord, Operation
from cloudwright.storage.schema import executions as execution_rows
from cloudwright.storage.schema import node_instances as instance_rows
from cloudwright.storage.schema import operations as operation_rows
from cloudwright.storage.store import Store

CONTROLS = "".join(map(chr, range(1, 32)))
TEXT = f'"quoted" \\ / <&> ä € 😀 \x7f\x80 \u2028 \ufeff{CONTROLS}'
DOCUMENT: dict[str, Any] = {
    "text": TEXT,
    TEXT: [],
    "": {},
    "numbers": [0, -1, 1.0, 1.5e-9, 1e300, 2**63 - 1, 2**64 - 1],
    "rest": [None, True, False, {"deep": [[[{}]]]}],
}
TIMES = [
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999500, tzinfo=UTC),
    datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
]


def said(
    store: Store, listing: Listing, projection: Projection, page: Page, fields: Collection[str] | None
) -> bytes:
    return bytes(json_page_response(store.read_sync(json_page, listing, projection, fields, page), page).body)


def insert_rows(conn: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    conn.execute(insert(table), rows)


@pytest.fixture
def executions(store: Store) -> list[str]:
    """In every status, of deployments that are there and that are gone, some with operations that run on."""
    deploy(store)
    for name in ("e1", "e2", "e3"):
        start(store, name)
    run(store, "o1", "o2")
    send(store, "o3", "o4", execution="e2")
    grant(store, "o3", "o4", execution="e2")
    store.write_sync(operations.end, "o1", 1, state=OperationState.SUCCEEDED, result=DOCUMENT, now=NOW)
    failure = {"message": TEXT, "recoverable": True, "retry_after": None, "kind": "E", "traceback": ""}
    store.write_sync(operations.end, "o3", 1, state=OperationState.FAILED, failure=failure, now=NOW)
    # e1 is over, and one of its operations runs on.
    store.write_sync(change, execution_rows, "e1", status=ExecutionStatus.CANCELLED, total_operations=2)
    store.write_sync(change, operation_rows, "o4", executor="host_agent", pid=12)
    rows = [
        {
            "id": f"{status}-{deployment}",
            "tenant": TENANT,
            "workflow_id": TEXT,
            "deployment_id": deployment,
            "blueprint_id": None if deployment is None else "b1",
            "status": status,
            "error": TEXT if status is ExecutionStatus.FAILED else None,
            "parameters": DOCUMENT,
            "is_system_workflow": deployment is None,
            "is_dry_run": True,
            "allow_custom_parameters": False,
            "wait_after_fail": 600,
            "force": False,
            "created_by": "admin" if deployment else None,
            "created_at": TIMES[place % 4],
            "scheduled_for": TIMES[place % 3],
            "started_at": None if place % 2 else TIMES[1],
            "ended_at": TIMES[2],
            "term": place % 2,
            "total_operations": 7 if status in END_STATUSES else 0,
            "finished_operations": 5 if status in END_STATUSES else 0,
            "cancel_mode": CancelMode.FORCE if place % 3 else None,
            "cancel_requested_by": TEXT,
            "cancel_requested_at": TIMES[3],
            "deadline": TIMES[place % 4],
        }
        for place, (status, deployment) in enumerate(product(ExecutionStatus, ("d1", "gone", None)))
    ]
    store.write_sync(insert_rows, execution_rows, rows)
    return [row["id"] for row in rows]


def change(conn: Connection, table: Table, id: str, **values: Any) -> None:
    conn.execute(update(table).where(table.c.id == id).values(values))


def one_execution(conn: Connection, id: str) -> schemas.Execution:
    view = queries.get_execution(conn, TENANT, id)
    return serializers.execution(view.execution, view.owner, view.residual)


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        (EVERYTHING, None),
        (Page(5, 7, (("workflow_id", True),)), None),
        (Page(3, 1, (("created_at", True), ("id", False))), {"id", "created_at", "residual_operations"}),
        (EVERYTHING, frozenset()),
        (Page(10, 1000), None),
        (Page(0), None),
    ],
)
def test_executions(store: Store, executions: list[str], page: Page, fields: Collection[str] | None) -> None:
    filter = ExecutionFilter(tenant=TENANT)
    rows, total = store.read_sync(execution_queries.list_executions, filter, page)
    expected = list_page([store.read_sync(one_execution, row.id) for row in rows], total, page, fields)
    assert said(store, execution_queries.listing(filter), EXECUTION, page, fields) == expected.body


def test_nothing(store: Store) -> None:
    nothing = execution_queries.listing(ExecutionFilter(tenant="none"))
    assert said(store, nothing, EXECUTION, EVERYTHING, None) == list_page([], 0, EVERYTHING).body
    with pytest.raises(InvalidInput, match="cannot be sorted"):
        store.read_sync(json_page, nothing, EXECUTION, None, Page(sort=(("other", False),)))


def test_operations(store: Store, executions: list[str]) -> None:
    for id, over in (("e1", True), ("e2", False)):
        filter = OperationFilter(tenant=TENANT, execution_id=id)
        rows, total = store.read_sync(operations.listing(filter).read, Operation, EVERYTHING)
        assert total == 2
        expected = list_page([serializers.operation(row, over=over) for row in rows], total, EVERYTHING)
        assert said(store, operations.listing(filter), OPERATION, EVERYTHING, None) == expected.body


def test_events(store: Store, executions: list[str]) -> None:
    details: list[dict[str, Any]] = [
        {},
        DOCUMENT,
        {"worker": TEXT, "kind": "E", "message": TEXT, "traceback": TEXT},
        {"worker": None, "kind": None, "message": "m", "traceback": None},
        {"message": "zero \0 byte", "kind": "half \ud800", "other\0": "\0"},
    ]
    kinds = [(EVENT, "task_failed", None), (EVENT, "task_started", "debug"), (LOG, None, "info")]
    made = [
        Event(
            "e1",
            TIMES[place % 4],
            TEXT.replace("\0", ""),
            kind,
            event_type,
            level,
            node_instance_id="n1_a" if place % 2 else None,
            operation_id="o1",
            details=detail,
        )
        for place, ((kind, event_type, level), detail) in enumerate(product(kinds, details))
    ]
    store.write_sync(events.add, made)
    for filter in (EventFilter(tenant=TENANT, execution_ids=["e1"]), EventFilter(deployment_ids=["d1"])):
        for page in (EVERYTHING, Page(5, 2, (("timestamp", True),))):
            rows, total = store.read_sync(events.listing(filter).read, EventRecord, page)
            assert total >= len(made)
            expected = list_page(map(serializers.event, rows), total, page)
            assert said(store, events.listing(filter), EVENT_OR_LOG, page, None) == expected.body


def test_node_instances(store: Store) -> None:
    deploy(store, instances=4)
    store.write_sync(change, instance_rows, "n1_b", runtime_properties=DOCUMENT, host_id=TEXT)
    related = [{"target_id": "n1_b", "target_name": "n1", "type": TEXT}]
    store.write_sync(change, instance_rows, "n1_c", relationships=related, system_properties=DOCUMENT)
    store.write_sync(change, instance_rows, "n1_d", scaling_groups=[{"name": TEXT}])
    for filter in (InstanceFilter(tenant=TENANT), InstanceFilter(tenant=TENANT, deployment_ids=["d1"])):
        for page in (EVERYTHING, Page(2, 1, (("state", True), ("index", True)))):
            rows, total = store.read_sync(instances.list_instances, filter, page)
            made = [
                serializers.node_instance(*store.read_sync(queries.get_instance, TENANT, row.id))
                for row in rows
            ]
            expected = list_page(made, total, page)
            assert said(store, instances.listing(filter), NODE_INSTANCE, page, None) == expected.body


def test_what_no_other_answer_can_say(store: Store) -> None:
    """Integers of any size and halves of surrogate pairs, which are kept as ``documents.py`` says."""
    deploy(store, instances=1)
    odd = {"large": 2**70, "half": "\ud800"}
    store.write_sync(change, instance_rows, "n1_a", runtime_properties=odd)
    answer = said(store, instances.listing(InstanceFilter()), NODE_INSTANCE, EVERYTHING, None)
    assert json.loads(answer)["items"][0]["runtime_properties"] == odd
