"""Short ways to put something into a store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

import workflow_frames
from cloudwright.model.event import EVENT
from cloudwright.model.topology import NodeInstance
from cloudwright.storage import blueprints, deployments, events, operations
from cloudwright.storage.executions import admission, claims
from cloudwright.storage.filters import EventFilter, OperationFilter
from cloudwright.storage.paging import EVERYTHING, Page
from cloudwright.storage.records import Blueprint, Deployment, Execution, JsonObject, NewExecution, Operation
from cloudwright.storage.store import Store

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
TENANT = "default_tenant"


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def create(
    store: Store,
    id: str = "e1",
    deployment_id: str | None = "d1",
    *,
    queue: bool = False,
    force: bool = False,
    now: datetime = NOW,
    **more: Any,
) -> Execution:
    new = NewExecution(id, "install", deployment_id, "b1", **more)
    return store.write_sync(admission.create, new, queue=queue, force=force, now=now)


def start(store: Store, id: str = "e1", deployment_id: str | None = "d1", owner: str = "m1") -> Execution:
    """Create an execution and claim it: it is started, under term 1."""
    create(store, id, deployment_id, force=True)
    claimed = store.write_sync(claims.claim, id, owner, at(30), NOW)
    assert claimed is not None
    return claimed


def operation(id: str = "o1", attempt: int = 1, **more: Any) -> dict[str, Any]:
    """An operation as a workflow's process asks for it."""
    return {
        "id": id,
        "name": "cloudify.interfaces.lifecycle.create",
        "graph_id": None,
        "attempt": attempt,
        "instance": "n1_a",
        "plugin": "p",
        "executor": "central_deployment_agent",
        "inputs": {"size": 3},
        **more,
    }


def task(id: str, kind: str = "operation", depends_on: tuple[str, ...] = ()) -> dict[str, Any]:
    parameters = operation(id) if kind == "operation" else {"message": "hello"}
    return {
        "id": id,
        "name": f"task {id}",
        "kind": kind,
        "depends_on": list(depends_on),
        "parameters": parameters,
    }


def send(store: Store, *ids: str, execution: str = "e1", term: int = 1) -> None:
    for id in ids:
        assert store.write_sync(workflow_frames.send, execution, term, operation(id), NOW)


def grant(store: Store, *ids: str, execution: str = "e1", term: int = 1, attempt: int = 1) -> set[str]:
    wanted = [(execution, term, id, attempt) for id in ids]
    return store.write_sync(operations.grant, wanted, "w1", NOW)


def run(store: Store, *ids: str) -> None:
    """Send operations of e1 and let them start."""
    send(store, *ids)
    assert grant(store, *ids) == set(ids)


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A stored event or log line, with what it is about. ``id`` grows in the order of storing."""

    id: int
    execution_id: str
    timestamp: datetime
    message: str
    kind: str = EVENT
    event_type: str | None = None
    level: str | None = None
    logger: str | None = None
    node_instance_id: str | None = None
    source_id: str | None = None
    target_id: str | None = None
    operation: str | None = None
    operation_id: str | None = None
    details: JsonObject = field(default_factory=dict)
    workflow_id: str | None = None
    deployment_id: str | None = None
    blueprint_id: str | None = None
    node_name: str | None = None


def tail(conn: Connection, execution_id: str, after: int, limit: int) -> list[EventRecord]:
    """Read the next events of an execution after the one with that id, in order."""
    filter = EventFilter(execution_ids=[execution_id], after_id=after)
    return events.listing(filter).read(conn, EventRecord, Page(limit))[0]


def residual(conn: Connection, execution_id: str) -> list[str]:
    """Read the ids of the operations that run although their execution has ended."""
    filter = OperationFilter(tenant=TENANT, execution_id=execution_id, residual=True)
    return [row.id for row in operations.listing(filter).read(conn, Operation, EVERYTHING)[0]]


def happened(store: Store, id: str = "e1") -> list[EventRecord]:
    return store.read_sync(tail, id, 0, 10_000)


def event_types(store: Store, id: str = "e1") -> list[str | None]:
    return [event.event_type for event in happened(store, id)]


def deploy(store: Store, id: str = "d1", instances: int = 2, tenant: str = TENANT) -> None:
    """A deployment of one node ``n1`` with instances ``n1_a``, ``n1_b`` ..., from a blueprint of its own."""
    store.write_sync(blueprints.create, Blueprint(f"of-{id}", tenant), NOW)
    node = {"id": "n1", "properties": {"port": 80}, "instances": {"deploy": instances}}
    rows = [NodeInstance(f"n1_{chr(97 + place)}", "n1", id, index=place + 1) for place in range(instances)]
    store.write_sync(deployments.create, Deployment(id, f"of-{id}", tenant), [node], rows, NOW)


class Together:
    """Runs functions in threads of their own, let go at the same moment."""

    def __init__(self, *functions: Callable[[], Any]) -> None:
        self.answers: list[Any] = [None] * len(functions)
        barrier = threading.Barrier(len(functions))

        def call(place: int, function: Callable[[], Any]) -> None:
            barrier.wait(10)
            try:
                self.answers[place] = function()
            except Exception as error:
                self.answers[place] = error

        threads = [
            threading.Thread(target=call, args=(place, function)) for place, function in enumerate(functions)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
