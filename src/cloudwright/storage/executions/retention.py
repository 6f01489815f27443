"""Deletes executions that are over, with their events and operations, and events alone.

A batch is one transaction, small enough that a cancel need not wait for it.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, exists, func, not_, select

from cloudwright.model.execution import END_STATUSES
from cloudwright.storage import events as event_queries
from cloudwright.storage import manager_queries
from cloudwright.storage.columns import is_any
from cloudwright.storage.filters import EventFilter, ExecutionFilter
from cloudwright.storage.records import OPERATION
from cloudwright.storage.resources.expressions import STARTED
from cloudwright.storage.schema import (
    deployment_modifications,
    deployment_updates,
    deployments,
    events,
    execution_schedules,
    executions,
    operations,
)

#: It is over, nothing of it runs, and nothing else needs it: a deployment that it created, an update or a
#: modification that can be rolled back, a schedule that looks at how its last one ended.
_DELETABLE = (
    is_any(executions.c.status, END_STATUSES),
    not_(
        exists().where(operations.c.execution_id == executions.c.id, STARTED, operations.c.kind == OPERATION)
    ),
    *(
        not_(exists().where(column == executions.c.id))
        for column in (
            deployments.c.create_execution,
            deployment_updates.c.execution_id,
            deployment_modifications.c.execution_id,
            execution_schedules.c.latest_execution_id,
        )
    ),
)


def deletable(conn: Connection, filter: ExecutionFilter) -> list[str]:
    """Return the ids of those that the filter leaves and that can be deleted, oldest first."""
    statement = manager_queries.listing(filter).statement.with_only_columns(executions.c.id)
    ordered = statement.where(*_DELETABLE).order_by(executions.c.created_at, executions.c.id)
    return list(conn.scalars(ordered))


def delete_executions(conn: Connection, ids: Collection[str]) -> int:
    """Delete those of them that can be deleted still, and return how many these are."""
    these = executions.c.id.in_(list(ids))
    return conn.execute(delete(executions).where(these, *_DELETABLE)).rowcount


def latest_event(conn: Connection) -> int:
    """Return the id of the newest event; 0 if there is none."""
    return conn.scalar(select(func.max(events.c.id))) or 0


def delete_events(conn: Connection, filter: EventFilter, until: int, limit: int) -> int:
    """Delete some of the events that the filter leaves, ``until`` the last id, and return how many."""
    found = event_queries.listing(filter).statement.with_only_columns(events.c.id)
    some = found.where(events.c.id <= until).order_by(events.c.id).limit(limit)
    return conn.execute(delete(events).where(events.c.id.in_(some))).rowcount
