"""Events and log lines: their fields, in lists and in the stream of an execution."""

from __future__ import annotations

from collections.abc import Collection
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import Connection, Integer, bindparam, case

from cloudwright.model.event import EVENT
from cloudwright.storage import events as rows
from cloudwright.storage.filters import EventFilter
from cloudwright.storage.json_pages import (
    JsonList,
    JsonMember,
    JsonPage,
    JsonRecords,
    ListOfOne,
    Projection,
    json_page,
)
from cloudwright.storage.paging import Page
from cloudwright.storage.resources.expressions import NULL, constant
from cloudwright.storage.schema import events, executions, node_instances

EVENT_OR_LOG = Projection(
    {
        "id": events.c.id,
        "_storage_id": events.c.id,
        "timestamp": events.c.timestamp,
        "reported_timestamp": events.c.timestamp,
        "type": events.c.kind,
        "event_type": events.c.event_type,
        "level": case((events.c.kind != constant(EVENT), events.c.level)),
        "logger": events.c.logger,
        "message": events.c.message,
        "execution_id": events.c.execution_id,
        "execution_group_id": NULL,
        "workflow_id": executions.c.workflow_id,
        "deployment_id": executions.c.deployment_id,
        "deployment_display_name": executions.c.deployment_id,
        "blueprint_id": executions.c.blueprint_id,
        "node_name": node_instances.c.node_id,
        "node_instance_id": events.c.node_instance_id,
        "source_id": events.c.source_id,
        "target_id": events.c.target_id,
        "operation": events.c.operation,
        "operation_id": events.c.operation_id,
        "agent_name": NULL,
        "manager_name": JsonMember(events.c.details, "worker"),
        "error_causes": JsonList(
            events.c.details,
            "error_causes",
            otherwise=ListOfOne(
                events.c.event_type == constant("task_failed"),
                {
                    "type": JsonMember(events.c.details, "kind"),
                    "message": JsonMember(events.c.details, "message"),
                    "traceback": JsonMember(events.c.details, "traceback", otherwise=""),
                },
            ),
        ),
        "details": events.c.details,
    }
)

_TAIL = JsonRecords(
    EVENT_OR_LOG,
    rows.JOINED.where(events.c.execution_id == bindparam("execution"), events.c.id > bindparam("after"))
    .order_by(events.c.id)
    .limit(bindparam("most", type_=Integer)),
    beside=("id", "type"),
)


class StreamedEvent(NamedTuple):
    """``type`` distinguishes events from log lines; ``record`` is the whole event as JSON."""

    id: int
    type: str
    record: str


def get_page(conn: Connection, filter: EventFilter, chosen: Collection[str] | None, page: Page) -> JsonPage:
    return json_page(conn, rows.listing(filter), EVENT_OR_LOG, chosen, page)


def get_tail(conn: Connection, execution_id: str, after: int, limit: int) -> list[StreamedEvent]:
    """Read the next events of an execution after the one with that id, in order; 0 is from the first."""
    found = _TAIL.all(conn, execution=execution_id, after=after, most=limit)
    return sorted((StreamedEvent(*row) for row in found), key=itemgetter(0))
