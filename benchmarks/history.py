"""A history: executions of many deployments, their operations and events; a deployment of many instances."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from managed import Manager
from sqlalchemy import Connection, Table, Text, cast, create_engine, insert, literal, select, text

from cloudwright.model.execution import ExecutionStatus
from cloudwright.model.operation import OperationState
from cloudwright.storage.records import OPERATION
from cloudwright.storage.schema import (
    deployments,
    events,
    executions,
    node_instances,
    nodes,
    operations,
    task_counts,
)
from cloudwright.storage.store import Store

TENANT = "default_tenant"
DEPLOYMENTS = 1000
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 10_000
OPERATIONS = 2
#: The events of the last execution, which is the one that is read.
MANY_EVENTS = 1000


def of(managed: Manager, deployment: str, size: int, instances: int = 0, events_each: int = 10) -> str:
    """Store so many executions, with so many events each; the last has a thousand. Return the last's id.

    A tenth of them, and the instances, belong to ``deployment``, which was made through the API; the others
    to a thousand copies of it.
    """
    managed.stop()
    store = Store.open(managed.database)
    try:
        node = store.write_sync(_more_deployments, deployment)
        for table, rows in (
            (executions, _executions(size, deployment)),
            (operations, _operations(_id(0), OPERATIONS)),
            (events, _events(_id(0), events_each)),
            (events, _events(_id(size - 1), MANY_EVENTS)),
            (node_instances, _instances(instances, deployment, node)),
        ):
            for batch in _batches(rows):
                store.write_sync(_insert, table, batch)
        store.write_sync(_count_tasks)
        # A million rows take a tenth of the time where the database makes them.
        store.write_sync(_copy_to_all, operations, size)
        store.write_sync(_copy_to_all, events, size)
    finally:
        store.close()
    if managed.database.startswith("postgresql"):
        _settle(managed.database)
    managed.start()
    return _id(size - 1)


def _settle(url: str) -> None:
    """What the server would do in its own time, beside what is measured, because so much was written."""
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as conn:
        for statement in ("VACUUM ANALYZE", "CHECKPOINT"):
            conn.execute(text(statement))


def _insert(conn: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    conn.execute(insert(table), rows)


def _count_tasks(conn: Connection) -> None:
    counted = select(task_counts.c.execution_id)
    rows = select(executions.c.id, literal(OPERATIONS), literal(OPERATIONS))
    rows = rows.where(executions.c.id.not_in(counted))
    conn.execute(insert(task_counts).from_select(["execution_id", "total", "finished"], rows))


def _copy_to_all(conn: Connection, table: Table, size: int) -> None:
    """What the first execution has of the table, for every other but the last, at the time of each."""
    made = {table.c.execution_id: executions.c.id}
    if table is operations:
        made[table.c.id] = executions.c.id + literal("-") + cast(table.c.position, Text)
    else:
        made[table.c.timestamp] = executions.c.created_at
    columns = [column for column in table.c if column is not events.c.id]
    rows = (
        select(*(made.get(column, column) for column in columns))
        .select_from(executions.join(table, executions.c.id != table.c.execution_id))
        .where(table.c.execution_id == _id(0), executions.c.id != _id(size - 1))
        .order_by(executions.c.created_at)
    )
    conn.execute(insert(table).from_select([column.name for column in columns], rows))


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rows = iter(rows)
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch


def _id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def _more_deployments(conn: Connection, of: str) -> str:
    """The id of a node of the one that is copied."""
    row = conn.execute(select(deployments).where(deployments.c.id == of)).mappings().one()
    copies = [{**row, "id": f"d{number}"} for number in range(DEPLOYMENTS)]
    conn.execute(insert(deployments), copies)
    return conn.scalars(select(nodes.c.id).where(nodes.c.deployment_id == of)).first() or ""


def _executions(size: int, deployment: str) -> Iterator[dict[str, Any]]:
    for number in range(size):
        at = BEGUN + timedelta(seconds=60 * number)
        yield {
            "id": _id(number),
            "tenant": TENANT,
            "workflow_id": "install",
            "deployment_id": f"d{number % DEPLOYMENTS}" if number % 10 else deployment,
            "blueprint_id": deployment,
            "status": ExecutionStatus.TERMINATED,
            "parameters": {"seconds": 60},
            "is_system_workflow": False,
            "is_dry_run": False,
            "allow_custom_parameters": False,
            "wait_after_fail": 600,
            "force": False,
            "created_by": "admin",
            "created_at": at,
            "started_at": at,
            "ended_at": at + timedelta(seconds=5),
            "term": 1,
        }


def _operations(execution: str, count: int) -> Iterator[dict[str, Any]]:
    for place in range(count):
        yield {
            "id": f"{execution}-{place}",
            "execution_id": execution,
            "position": place,
            "name": "cloudify.interfaces.lifecycle.create",
            "kind": OPERATION,
            "state": OperationState.SUCCEEDED,
            "attempt": 1,
            "depends_on": [],
            "parameters": {"inputs": {}},
            "term": 1,
            "created_at": BEGUN,
            "started_at": BEGUN,
            "ended_at": BEGUN,
        }


def _events(execution: str, count: int) -> Iterator[dict[str, Any]]:
    for place in range(count):
        yield {
            "execution_id": execution,
            "timestamp": BEGUN + timedelta(milliseconds=place),
            "message": "cloudify.interfaces.lifecycle.create started on worker",
            "kind": "cloudify_event",
            "event_type": "task_started",
            "node_instance_id": f"node_{place}",
            "operation": "cloudify.interfaces.lifecycle.create",
            "operation_id": f"{execution}-{place}",
            "details": {"attempt": 1, "worker": "worker"},
        }


def _instances(count: int, deployment: str, node: str) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "tenant": TENANT,
            "id": f"many_{number:06d}",
            "deployment_id": deployment,
            "node_id": node,
            "index": number + 2,
            "state": "started",
            "version": 2,
            "runtime_properties": {"ip": "10.0.0.1", "ports": [22, 80, 443]},
            "relationships": [],
            "scaling_groups": [],
            "system_properties": {},
        }
