"""A history to read: executions of many deployments, their events, and a deployment of many instances."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from cloudwright.model.execution import ExecutionStatus
from cloudwright.storage.schema import deployments, events, executions, node_instances, nodes
from cloudwright.storage.store import Store

TENANT = "default_tenant"
#: The deployment that was made through the API; the others are its copies.
DEPLOYMENT = "probe"
DEPLOYMENTS = 1000
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 10_000


def fill(url: str, size: int, instances: int, events_each: int) -> str:
    """Store so many executions, with so many events each; the last has a thousand. Answers the last's id."""
    store = Store.open(url)
    try:
        store.write_sync(_more_deployments)
        for table, rows in (
            (executions, _executions(size)),
            (events, _events(size, events_each)),
            (node_instances, _instances(instances)),
        ):
            for batch in _batches(rows):
                store.write_sync(_insert, table, batch)
    finally:
        store.close()
    return _id(size - 1)


def _insert(conn: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if table is node_instances:
        node = conn.scalar(select(nodes.c.id).where(nodes.c.deployment_id == DEPLOYMENT))
        rows = [{**row, "node_id": node} for row in rows]
    conn.execute(insert(table), rows)


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rows = iter(rows)
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch


def _id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def _of(number: int) -> str:
    """A tenth of all belong to one deployment, the rest to many."""
    return f"d{number % DEPLOYMENTS}" if number % 10 else DEPLOYMENT


def _more_deployments(conn: Connection) -> None:
    (row,) = conn.execute(select(deployments)).mappings()
    copies = [{**row, "id": f"d{number}"} for number in range(DEPLOYMENTS)]
    conn.execute(insert(deployments), copies)


def _executions(size: int) -> Iterator[dict[str, Any]]:
    for number in range(size):
        at = BEGUN + timedelta(seconds=60 * number)
        yield {
            "id": _id(number),
            "tenant": TENANT,
            "workflow_id": "install",
            "deployment_id": _of(number),
            "blueprint_id": DEPLOYMENT,
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
            "total_operations": 2,
            "finished_operations": 2,
        }


def _events(size: int, each: int) -> Iterator[dict[str, Any]]:
    for number in range(size):
        for place in range(each if number < size - 1 else 1000):
            yield {
                "execution_id": _id(number),
                "timestamp": BEGUN + timedelta(seconds=60 * number, milliseconds=place),
                "message": "cloudify.interfaces.lifecycle.create started on worker",
                "kind": "cloudify_event",
                "event_type": "task_started",
                "node_instance_id": f"node_{place}",
                "operation": "cloudify.interfaces.lifecycle.create",
                "operation_id": f"{number}-{place}",
                "details": {"attempt": 1, "worker": "worker"},
            }


def _instances(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "tenant": TENANT,
            "id": f"many_{number:06d}",
            "deployment_id": DEPLOYMENT,
            "index": number + 2,
            "state": "started",
            "version": 2,
            "runtime_properties": {"ip": "10.0.0.1", "ports": [22, 80, 443]},
            "relationships": [],
            "scaling_groups": [],
            "system_properties": {},
        }
