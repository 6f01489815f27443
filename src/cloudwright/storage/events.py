"""Events and logs: what happened in an execution, in the order in which it was stored.

A reader that follows an execution remembers the last id that it saw. So the events of one execution must
become visible in the order of their ids: on PostgreSQL, a transaction that stores one holds the
execution's row until the commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    exists,
    false,
    func,
    insert,
    select,
)

from cloudwright.model.event import EVENT, LOG, Event
from cloudwright.storage import hook_triggers
from cloudwright.storage.filters import EventFilter
from cloudwright.storage.json_codec import storable
from cloudwright.storage.locks import lock_executions
from cloudwright.storage.manager_queries import OF_PRESENT_DEPLOYMENT
from cloudwright.storage.paging import Listing, columns_of, one_of
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.schema import events, executions, node_instances
from cloudwright.storage.visibility import Tenancy, seen

_FIELDS = tuple(field.name for field in fields(Event))
#: What users' code words as it likes. One event that no database takes would keep out all that are stored
#: with it.
_FREE_TEXT = ("message", "event_type", "level", "logger", "operation")
_INSERT = Prepared(insert(events), _FIELDS)
_NEWER = Prepared(
    select(events.c.id)
    .where(events.c.execution_id == bindparam("execution"), events.c.id > bindparam("after"))
    .limit(1)
)
_ITS_EXECUTION = events.c.execution_id == executions.c.id
_ITS_INSTANCE = and_(
    node_instances.c.tenant == executions.c.tenant, node_instances.c.id == events.c.node_instance_id
)
# Outer joins: an event always has its execution, but an inner join lets SQLite begin with the executions, and
# sort all their events to find the latest few.
JOINED = (
    select(
        events.c.id,
        *columns_of(Event, events),
        executions.c.workflow_id,
        executions.c.deployment_id,
        executions.c.blueprint_id,
        node_instances.c.node_id,
    )
    .outerjoin_from(events, executions, _ITS_EXECUTION)
    .outerjoin(node_instances, _ITS_INSTANCE)
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    "id": events.c.id,
    "timestamp": events.c.timestamp,
    "execution_id": events.c.execution_id,
    "event_type": events.c.event_type,
    "level": events.c.level,
    "node_instance_id": events.c.node_instance_id,
    "workflow_id": executions.c.workflow_id,
    "deployment_id": executions.c.deployment_id,
    "blueprint_id": executions.c.blueprint_id,
}


def add(conn: Connection, new: Sequence[Event]) -> None:
    """Store events of any executions, running or over. Raises Conflict if an execution is unknown."""
    lock_executions(conn, {event.execution_id for event in new})
    insert_locked(conn, new)


def insert_locked(conn: Connection, new: Sequence[Event]) -> None:
    """``add`` for a verb that holds the executions already."""
    if new:
        _INSERT.run_many(conn, [_row(event) for event in new])
        hook_triggers.note(conn, new)


def is_newer(conn: Connection, execution_id: str, after: int) -> bool:
    """Return whether the execution has an event that was stored after that one."""
    return _NEWER.first(conn, execution=execution_id, after=after) is not None


def listing(filter: EventFilter) -> Listing:
    conditions = list(_conditions(filter))
    counted = select(func.count()).select_from(events).join(executions, _ITS_EXECUTION).where(*conditions)
    if filter.node_ids is not None:
        counted = counted.join(node_instances, _ITS_INSTANCE)
    statement = JOINED.where(*conditions)
    # The events of one execution are read in their order; those of several have to be sorted.
    of_several = (filter.deployment_ids, filter.blueprint_ids, filter.execution_group_ids) != (
        None,
        None,
        None,
    )
    if filter.tenant is not None:
        of_tenant = and_(*seen(filter.tenant, executions))
        counted = counted.where(of_tenant)
        # Where nothing else says whose events are wanted, the latest are found by their time and tried one by
        # one.
        narrowed = of_several or filter.execution_ids is not None
        statement = statement.where(of_tenant if narrowed else _in_tenant(filter.tenant))
    return Listing(
        statement,
        sortable=_SORTABLE,
        default=(),
        unique=(events.c.id,),
        counted=counted,
        found=counted.with_only_columns(events.c.id, maintain_column_froms=True) if of_several else None,
    )


def _in_tenant(tenant: Tenancy) -> ColumnElement[bool]:
    whose = executions.alias("whose")
    return exists().where(whose.c.id == events.c.execution_id, *seen(tenant, whose))


def _row(event: Event) -> dict[str, Any]:
    row = {name: getattr(event, name) for name in _FIELDS}
    for name in _FREE_TEXT:
        if row[name] is not None:
            row[name] = storable(row[name])
    return row


def _conditions(filter: EventFilter) -> Iterator[ColumnElement[bool]]:
    yield from one_of(
        {
            events.c.execution_id: filter.execution_ids,
            executions.c.blueprint_id: filter.blueprint_ids,
            executions.c.group_id: filter.execution_group_ids,
            node_instances.c.node_id: filter.node_ids,
            events.c.node_instance_id: filter.node_instance_ids,
            events.c.operation_id: filter.operation_ids,
            events.c.operation: filter.operations,
            events.c.event_type: filter.event_types,
            events.c.level: filter.levels,
        }
    )
    if filter.deployment_ids is not None:
        yield from one_of({executions.c.deployment_id: filter.deployment_ids})
        yield OF_PRESENT_DEPLOYMENT
    if filter.message is not None:
        yield events.c.message.icontains(filter.message, autoescape=True)
    if filter.from_time is not None:
        yield events.c.timestamp >= filter.from_time
    if filter.to_time is not None:
        yield events.c.timestamp <= filter.to_time
    if filter.after_id is not None:
        yield events.c.id > filter.after_id
    if filter.before_id is not None:
        yield events.c.id < filter.before_id
    kinds = [kind for kind, wanted in ((EVENT, filter.include_events), (LOG, filter.include_logs)) if wanted]
    if not kinds:
        yield false()
    elif len(kinds) == 1:
        yield events.c.kind == kinds[0]
