"""What the database makes of records says what is stored, in lists and of a single one, on both databases."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, Table, insert, update
from stored import NOW, TENANT, deploy, grant, run, send, start

from cloudwright.errors import InvalidInput, NotFound
from cloudwright.model import rest
from cloudwright.model.event import EVENT, LOG, Event
from cloudwright.model.execution import CancelMode, ExecutionStatus
from cloudwright.model.operation import OperationState
from cloudwright.storage import events, operations
from cloudwright.storage.filters import EventFilter, ExecutionFilter, InstanceFilter, OperationFilter
from cloudwright.storage.json_pages import JsonPage, Projection
from cloudwright.storage.paging import EVERYTHING, Page
from cloudwright.storage.resources import event, execution, node_instance, operation
from cloudwright.storage.schema import executions as execution_rows
from cloudwright.storage.schema import node_instances as instance_rows
from cloudwright.storage.schema import operations as operation_rows
from cloudwright.storage.schema import task_counts as task_count_rows
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


def items(page: JsonPage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(f"[{page.items}]")
    assert len(found) == page.count <= page.total
    return found


def written(time: datetime | None) -> str | None:
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def differing(item: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    return {name: (item[name], value) for name, value in expected.items() if item[name] != value}


@pytest.mark.parametrize(
    ("projection", "record"),
    [
        (execution.EXECUTION, rest.Execution),
        (event.EVENT_OR_LOG, rest.Event),
        (node_instance.NODE_INSTANCE, rest.NodeInstance),
        (operation.OPERATION, rest.Operation),
    ],
)
def test_a_projection_has_the_fields_of_its_type(projection: Projection, record: type) -> None:
    assert set(projection.fields) == set(record.__annotations__)


def insert_rows(conn: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    conn.execute(insert(table), rows)


@pytest.fixture
def executions(store: Store) -> dict[str, dict[str, Any]]:
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
    store.write_sync(change, execution_rows, "e1", status=ExecutionStatus.CANCELLED)
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
            "cancel_mode": CancelMode.FORCE if place % 3 else None,
            "cancel_requested_by": TEXT,
            "cancel_requested_at": TIMES[3],
            "deadline": TIMES[place % 4],
        }
        for place, (status, deployment) in enumerate(product(ExecutionStatus, ("d1", "gone", None)))
    ]
    store.write_sync(insert_rows, execution_rows, rows)
    counts = [{"execution_id": row["id"], "total": 7, "finished": 5} for row in rows if row["deployment_id"]]
    store.write_sync(insert_rows, task_count_rows, counts)
    return {str(row["id"]): row for row in rows}


def change(conn: Connection, /, table: Table, id: str, **values: Any) -> None:
    conn.execute(update(table).where(table.c.id == id).values(values))


def test_executions_say_what_is_stored(store: Store, executions: dict[str, dict[str, Any]]) -> None:
    page = store.read_sync(execution.get_page, ExecutionFilter(tenant=TENANT), None, EVERYTHING)
    found = {item["id"]: item for item in items(page)}
    assert found.keys() == {"e1", "e2", "e3"} | executions.keys()
    assert page.total == page.count
    for id, row in executions.items():
        owned = row["deployment_id"] == "d1"
        expected = {
            "workflow_id": TEXT,
            "deployment_id": row["deployment_id"],
            "blueprint_id": row["blueprint_id"],
            "status": row["status"].value,
            "status_display": {"terminated": "completed"}.get(row["status"], row["status"].value),
            "error": row["error"],
            "parameters": DOCUMENT,
            "is_system_workflow": row["is_system_workflow"],
            "is_dry_run": True,
            "allow_custom_parameters": False,
            **{
                name: written(row[name])
                for name in (
                    "created_at",
                    "scheduled_for",
                    "started_at",
                    "ended_at",
                    "cancel_requested_at",
                    "deadline",
                )
            },
            "total_operations": 7 if row["deployment_id"] else 0,
            "finished_operations": 5 if row["deployment_id"] else 0,
            "resumed": 0,
            "cancel_mode": row["cancel_mode"],
            "cancel_requested_by": TEXT,
            "residual_operations": 0,
            "tenant_name": TENANT,
            "created_by": row["created_by"],
            "visibility": "tenant",
        }
        assert not differing(found[id], expected), id
        assert found[id]["deployment_display_name"] == (
            found["e2"]["deployment_display_name"] if owned else row["deployment_id"]
        )
    counts = ("total_operations", "finished_operations", "residual_operations")
    assert [found["e1"][name] for name in counts] == [2, 1, 1]
    assert [found["e2"][name] for name in counts] == [2, 1, 0]


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        (EVERYTHING, None),
        (Page(5, 7, (("workflow_id", True),)), None),
        (Page(3, 1, (("created_at", True), ("id", False))), {"id", "created_at", "residual_operations"}),
        (Page(10, 1000), None),
        (Page(0), None),
    ],
)
def test_a_single_execution_is_byte_by_byte_that_of_a_list(
    store: Store, executions: dict[str, Any], page: Page, fields: Collection[str] | None
) -> None:
    found = store.read_sync(execution.get_page, ExecutionFilter(tenant=TENANT), fields, page)
    ids = [item["id"] for item in items(found)]
    single = [store.read_sync(execution.get_json, TENANT, id, fields) for id in ids]
    assert ",".join(single) == found.items
    assert found.total == len(executions) + 3
    assert len(ids) == max(0, min(page.size or 1000, found.total - page.offset if page.size != 0 else 0))


@pytest.mark.parametrize("entered", [False, True])
@pytest.mark.parametrize("status", list(ExecutionStatus))
def test_an_execution_is_resumable_if_a_resume_can_help(
    store: Store, executions: dict[str, Any], status: ExecutionStatus, entered: bool
) -> None:
    store.write_sync(change, execution_rows, "e1", status=status, workflow_entered=entered)
    found = json.loads(store.read_sync(execution.get_json, TENANT, "e1", {"is_resumable"}))
    helps = status in (ExecutionStatus.FAILED, ExecutionStatus.CANCELLED) and not entered
    assert found == {"is_resumable": helps}


def test_executions_that_are_over_while_operations_of_them_run(
    store: Store, executions: dict[str, Any]
) -> None:
    found = store.read_sync(
        execution.get_page, ExecutionFilter(tenant=TENANT, residual=True), None, EVERYTHING
    )
    # e2 has one too, and is not over.
    assert [(item["id"], item["residual_operations"]) for item in items(found)] == [("e1", 1)]
    assert found.total == 1
    nothing = store.read_sync(
        execution.get_page, ExecutionFilter(tenant="other", residual=True), None, EVERYTHING
    )
    assert nothing == JsonPage("", 0, 0)


def test_no_field_and_no_record(store: Store, executions: dict[str, Any]) -> None:
    assert store.read_sync(execution.get_json, TENANT, "e1", frozenset()) == "{}"
    nothing = store.read_sync(execution.get_page, ExecutionFilter(tenant="none"), None, EVERYTHING)
    assert nothing == JsonPage("", 0, 0)
    with pytest.raises(InvalidInput, match="cannot be sorted"):
        store.read_sync(execution.get_page, ExecutionFilter(), None, Page(sort=(("other", False),)))
    for read, id in (
        (execution.get_json, "e1"),
        (operation.get_json, "o1"),
        (node_instance.get_json, "n1_a"),
        (execution.check, "e1"),
    ):
        store.read_sync(read, TENANT, id)
        with pytest.raises(NotFound):
            store.read_sync(read, "other", id)
        with pytest.raises(NotFound):
            store.read_sync(read, TENANT, "nope")


def test_operations(store: Store, executions: dict[str, Any]) -> None:
    found: dict[str, Any] = {}
    for id in ("e1", "e2"):
        filter = OperationFilter(tenant=TENANT, execution_id=id)
        page = store.read_sync(operation.get_page, filter, None, EVERYTHING)
        found |= {item["id"]: item for item in items(page)}
        singles = [store.read_sync(operation.get_json, TENANT, item["id"]) for item in items(page)]
        assert ",".join(singles) == page.items
    assert [id for id, item in found.items() if item["residual"]] == ["o2"]
    ended = {"state": "succeeded", "result": DOCUMENT, "failure": None, "ended_at": written(NOW)}
    assert not differing(found["o1"], {**ended, "execution_id": "e1", "manager_name": "w1", "pid": None})
    assert found["o3"]["failure"]["message"] == TEXT
    assert not differing(
        found["o4"], {"agent_name": None, "pid": 12, "executor": "host_agent", "type": "operation"}
    )
    left = OperationFilter(tenant=TENANT, execution_id="e1", residual=True)
    assert [item["id"] for item in items(store.read_sync(operation.get_page, left, None, EVERYTHING))] == [
        "o2"
    ]


def test_events(store: Store, executions: dict[str, Any]) -> None:
    details: list[dict[str, Any]] = [
        {},
        DOCUMENT,
        {"worker": TEXT, "kind": "E", "message": TEXT, "traceback": TEXT},
        {"worker": None, "kind": None, "message": "m", "traceback": None},
        {"message": "zero \0 byte", "kind": "half \ud800", "other\0": "\0"},
        {"message": "m", "error_causes": [{"type": TEXT, "message": "[1]", "traceback": ""}, {"type": "F"}]},
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
    last = max(item["id"] for item in items(store.read_sync(event.get_page, EventFilter(), None, EVERYTHING)))
    store.write_sync(events.add, made)
    for filter in (EventFilter(tenant=TENANT, execution_ids=["e1"]), EventFilter(deployment_ids=["d1"])):
        found = items(store.read_sync(event.get_page, filter, None, EVERYTHING))
        new = [item for item in found if item["id"] > last]
        assert len(new) == len(made)
        for item, stored in zip(new, made, strict=True):
            expected = {
                "_storage_id": item["id"],
                "timestamp": written(stored.timestamp),
                "reported_timestamp": written(stored.timestamp),
                "type": stored.kind,
                "level": stored.level if stored.kind == LOG else None,
                "message": stored.message,
                "node_name": "n1" if stored.node_instance_id else None,
                "deployment_display_name": "d1",
                "manager_name": stored.details.get("worker"),
            }
            assert not differing(item, expected)
            if stored.event_type != "task_failed":
                assert item["error_causes"] is None
            elif "error_causes" in stored.details:
                assert item["error_causes"] == stored.details["error_causes"]
            elif "\0" not in stored.details.get("message", ""):
                assert item["error_causes"] == [
                    {
                        "type": stored.details.get("kind"),
                        "message": stored.details.get("message"),
                        "traceback": stored.details.get("traceback") or "",
                    }
                ]
                assert item["details"] == stored.details
        part = store.read_sync(event.get_page, filter, None, Page(5, 2, (("timestamp", True),)))
        assert items(part) == [
            next(item for item in found if item["id"] == wanted["id"]) for wanted in items(part)
        ]


def test_the_stream_has_the_records_of_the_list(store: Store, executions: dict[str, Any]) -> None:
    progress = store.read_sync(execution.get_progress, TENANT, "e1", None, 0, 1000)
    listed = store.read_sync(event.get_page, EventFilter(execution_ids=["e1"]), None, EVERYTHING)
    assert ",".join(item.record for item in progress.events) == listed.items
    assert [(item.id, item.type) for item in progress.events] == [
        (item["id"], item["type"]) for item in items(listed)
    ]
    assert progress.status is ExecutionStatus.CANCELLED
    assert progress.record == store.read_sync(execution.get_json, TENANT, "e1")
    last = progress.events[-1].id
    again = store.read_sync(execution.get_progress, TENANT, "e1", progress.status, last, 1000)
    assert (again.record, again.events) == (None, [])


def test_node_instances(store: Store) -> None:
    deploy(store, instances=4)
    store.write_sync(change, instance_rows, "n1_b", runtime_properties=DOCUMENT, host_id=TEXT)
    related = [{"target_id": "n1_b", "target_name": "n1", "type": TEXT}]
    store.write_sync(change, instance_rows, "n1_c", relationships=related, system_properties=DOCUMENT)
    store.write_sync(change, instance_rows, "n1_d", scaling_groups=[{"name": TEXT}])
    for filter in (InstanceFilter(tenant=TENANT), InstanceFilter(tenant=TENANT, deployment_ids=["d1"])):
        for page in (EVERYTHING, Page(2, 1, (("state", True), ("index", True)))):
            found = store.read_sync(node_instance.get_page, filter, None, page)
            singles = [store.read_sync(node_instance.get_json, TENANT, item["id"]) for item in items(found)]
            assert ",".join(singles) == found.items
            assert found.total == 4
    by_id = {
        item["id"]: item for item in items(store.read_sync(node_instance.get_page, filter, None, EVERYTHING))
    }
    assert not differing(
        by_id["n1_b"], {"runtime_properties": DOCUMENT, "host_id": TEXT, "tenant_name": TENANT}
    )
    assert not differing(by_id["n1_c"], {"relationships": related, "system_properties": DOCUMENT})
    assert not differing(by_id["n1_d"], {"scaling_groups": [{"name": TEXT}], "is_status_check_ok": True})


def test_documents_that_only_the_standard_parser_reads(store: Store) -> None:
    """Integers of any size and halves of surrogate pairs, in a list and alone."""
    deploy(store, instances=1)
    odd = {"large": 2**70, "half": "\ud800"}
    store.write_sync(change, instance_rows, "n1_a", runtime_properties=odd)
    page = store.read_sync(node_instance.get_page, InstanceFilter(), None, EVERYTHING)
    assert items(page)[0]["runtime_properties"] == odd
    single = store.read_sync(node_instance.get_json, TENANT, "n1_a")
    assert json.loads(single)["runtime_properties"] == odd
