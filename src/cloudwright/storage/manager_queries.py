"""Queries of executions for the manager. The REST API's lists are made in ``resources.execution``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from cloudwright.errors import NotFound
from cloudwright.model.execution import ACTIVE_STATUSES, END_STATUSES, ExecutionStatus
from cloudwright.model.operation import OperationState
from cloudwright.storage.columns import is_, is_any, unindexed
from cloudwright.storage.filters import ExecutionFilter
from cloudwright.storage.paging import Listing, Page, columns_of, one_of
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import OPERATION, Execution
from cloudwright.storage.schema import deployments, executions, operations, workers
from cloudwright.storage.visibility import seen

EXECUTION_COLUMNS = columns_of(Execution, executions)
_present = deployments.alias("present")
#: The execution is not of a deleted deployment whose id another one has now.
OF_PRESENT_DEPLOYMENT = or_(
    not_(executions.c.deployment_gone),
    ~exists().where(_present.c.tenant == executions.c.tenant, _present.c.id == executions.c.deployment_id),
)

_ALL = select(*EXECUTION_COLUMNS)
# Only operations outlive their execution; the index of what runs now finds them.
_status_of = executions.alias("status_of")
_LEFT_RUNNING = (
    select(operations.c.execution_id)
    .distinct()
    .where(
        is_(operations.c.state, OperationState.STARTED),
        operations.c.kind == OPERATION,
        exists().where(
            _status_of.c.id == operations.c.execution_id, is_any(_status_of.c.status, END_STATUSES)
        ),
    )
)
_LEFT = Prepared(_LEFT_RUNNING)
_GET = Prepared(_ALL.where(executions.c.id == bindparam("execution")))
_LATEST = Prepared(
    _ALL.where(
        executions.c.tenant == bindparam("of_tenant"),
        executions.c.deployment_id == bindparam("deployment"),
        OF_PRESENT_DEPLOYMENT,
    )
    .order_by(executions.c.created_at.desc(), executions.c.id)
    .limit(literal_column("1", Integer))
)
_ACTIVE_OLDEST_FIRST = _ALL.where(is_any(executions.c.status, ACTIVE_STATUSES)).order_by(
    executions.c.created_at, executions.c.id
)
_ACTIVE = Prepared(_ACTIVE_OLDEST_FIRST)
_EXPIRED = Prepared(
    _ACTIVE_OLDEST_FIRST.where(
        or_(executions.c.lease_until.is_(None), executions.c.lease_until <= bindparam("when"))
    )
)
_PENDING = Prepared(
    select(executions.c.id)
    .where(is_(executions.c.status, ExecutionStatus.PENDING), executions.c.depth == literal_column("0"))
    .order_by(executions.c.created_at, executions.c.id)
    .limit(bindparam("most", type_=Integer))
)
_PENDING_CHILDREN = Prepared(
    select(executions.c.id, executions.c.depth)
    .where(is_(executions.c.status, ExecutionStatus.PENDING), executions.c.depth > literal_column("0"))
    .order_by(executions.c.created_at, executions.c.id)
)
_CHILDREN = Prepared(
    _ALL.where(executions.c.parent_id == bindparam("execution")).order_by(
        executions.c.created_at, executions.c.id
    )
)
_KILLS = Prepared(
    select(executions.c.id, executions.c.kill_term)
    .join(operations, operations.c.execution_id == executions.c.id)
    .where(
        is_(operations.c.state, OperationState.STARTED),
        operations.c.kind == OPERATION,
        or_(
            operations.c.worker == bindparam("by"),
            exists().where(workers.c.name == operations.c.worker, workers.c.manager == bindparam("by")),
        ),
        operations.c.term <= executions.c.kill_term,
    )
    .distinct()
)
_OWNER_OF = Prepared(
    select(executions.c.tenant, executions.c.deployment_id).where(executions.c.id == bindparam("execution"))
)
_UNENDED = Prepared(
    select(executions.c.status, func.count())
    .where(is_any(executions.c.status, frozenset(ExecutionStatus) - END_STATUSES))
    .group_by(executions.c.status)
)
_NEXT_SCHEDULED = Prepared(
    select(func.min(executions.c.scheduled_for)).where(is_(executions.c.status, ExecutionStatus.SCHEDULED))
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: executions.c[name]
    for name in (
        "id",
        "workflow_id",
        "deployment_id",
        "blueprint_id",
        "status",
        "created_by",
        "created_at",
        "scheduled_for",
        "started_at",
        "ended_at",
    )
}


def get(conn: Connection, id: str, tenant: str | None = None) -> Execution:
    """Raises NotFound, also if it is another tenant's."""
    row = _GET.first(conn, execution=id)
    execution = None if row is None else Execution(*row)
    if execution is None or tenant not in (None, execution.tenant):
        raise NotFound(f"There is no execution `{id}`" + (f" in tenant `{tenant}`." if tenant else "."))
    return execution


def owner_of(conn: Connection, id: str) -> tuple[str, str | None] | None:
    """Return the tenant and the deployment of an execution; None if there is none of that id."""
    row = _OWNER_OF.first(conn, execution=id)
    return None if row is None else (row[0], row[1])


def list_executions(conn: Connection, filter: ExecutionFilter, page: Page) -> tuple[list[Execution], int]:
    return listing(filter).read(conn, Execution, page)


def listing(filter: ExecutionFilter) -> Listing:
    return Listing(
        _ALL.where(*_conditions(filter)),
        sortable=_SORTABLE,
        default=(executions.c.created_at,),
        unique=(executions.c.id,),
    )


def latest_of(conn: Connection, tenant: str, deployment_id: str) -> Execution | None:
    """Return the execution of a deployment that was created last."""
    row = _LATEST.first(conn, of_tenant=tenant, deployment=deployment_id)
    return None if row is None else Execution(*row)


def left_running(conn: Connection) -> list[str]:
    """Return the ids of executions that are over while operations of them still run."""
    return [id for (id,) in _LEFT.all(conn)]


def count_unended(conn: Connection) -> dict[ExecutionStatus, int]:
    """Return how many executions are in each status that is no end; statuses without any are missing."""
    return dict(_UNENDED.all(conn))


def pending(conn: Connection, limit: int) -> list[str]:
    """Ids of those that wait to be claimed and that no other one waits for, oldest first."""
    return [row[0] for row in _PENDING.all(conn, most=limit)]


def pending_children(conn: Connection) -> list[tuple[str, int]]:
    """Ids and depths of those that wait to be claimed and that another execution waits for, oldest first."""
    return [(id, depth) for id, depth in _PENDING_CHILDREN.all(conn)]


def children(conn: Connection, id: str) -> list[Execution]:
    """Return the executions that this one started and waits for, or did."""
    return [Execution(*row) for row in _CHILDREN.all(conn, execution=id)]


def unfinished_children(conn: Connection, id: str) -> list[Execution]:
    return [child for child in children(conn, id) if child.status not in END_STATUSES]


def descendants(conn: Connection, id: str) -> list[str]:
    """Return the ids of the executions below this one that are not over."""
    found = []
    for child in unfinished_children(conn, id):
        found += [child.id, *descendants(conn, child.id)]
    return found


def deployments_above(conn: Connection, execution: Execution) -> list[str]:
    """Return the deployments whose executions wait for this one, the topmost first, and its own."""
    chain = [str(execution.deployment_id)]
    while execution.parent_id is not None:
        execution = get(conn, execution.parent_id)
        chain.append(str(execution.deployment_id))
    return chain[::-1]


def active(conn: Connection) -> list[Execution]:
    """Return the executions that an owner acts for, or should."""
    return [Execution(*row) for row in _ACTIVE.all(conn)]


def expired(conn: Connection, now: datetime) -> list[Execution]:
    """Active ones whose owner's lease has run out."""
    return [Execution(*row) for row in _EXPIRED.all(conn, when=now)]


def kills(conn: Connection, worker: str) -> list[tuple[str, int]]:
    """Stored kills of operations that still run on this worker, or on one that is connected to this manager:
    the execution, and the term up to which what it sent is to die.
    """
    return [(id, term) for id, term in _KILLS.all(conn, by=worker)]


def next_scheduled(conn: Connection) -> datetime | None:
    """Return when the next scheduled execution comes due."""
    row = _NEXT_SCHEDULED.first(conn)
    return None if row is None else row[0]


def _beside(id: str, *, older: bool) -> ColumnElement[bool]:
    """Return the condition that an execution was created before the one of that id, or after it."""
    other = executions.alias("other")
    then = select(other.c.created_at).where(other.c.id == id).scalar_subquery()
    created, own = executions.c.created_at, executions.c.id
    # Of those created at one moment the ids give the order. The first part is there for the index.
    if older:
        return and_(created <= then, or_(created < then, own < id))
    return and_(created >= then, or_(created > then, own > id))


def _conditions(filter: ExecutionFilter) -> Iterator[ColumnElement[bool]]:
    table = executions.c
    # In a tenant with a long history, few executions run or failed: their status finds them, and the tenant's
    # index would look at them all.
    few = filter.statuses is not None and ExecutionStatus.TERMINATED not in filter.statuses
    yield from seen(filter.tenant, executions, tenant=unindexed(table.tenant) if few else None)
    yield from one_of(
        {
            table.id: filter.ids,
            table.blueprint_id: filter.blueprint_ids,
            table.workflow_id: filter.workflow_ids,
            table.group_id: filter.group_ids,
            table.status: filter.statuses,
            table.created_by: None if filter.created_by is None else [filter.created_by],
            table.parent_id: filter.parent_ids,
            table.parent_operation_id: filter.parent_operation_ids,
        }
    )
    if filter.deployment_ids is not None:
        yield from one_of({table.deployment_id: filter.deployment_ids})
        yield OF_PRESENT_DEPLOYMENT
    if filter.created_from is not None:
        yield table.created_at >= filter.created_from
    if filter.created_to is not None:
        yield table.created_at <= filter.created_to
    if filter.ended_to is not None:
        yield table.ended_at <= filter.ended_to
    if not filter.include_system_workflows:
        yield not_(table.is_system_workflow)
    if filter.is_system_workflow is not None:
        yield table.is_system_workflow == filter.is_system_workflow
    if filter.is_dry_run is not None:
        yield table.is_dry_run == filter.is_dry_run
    if filter.residual:
        yield table.id.in_(_LEFT_RUNNING)
    if filter.older_than is not None:
        yield _beside(filter.older_than, older=True)
    if filter.newer_than is not None:
        yield _beside(filter.newer_than, older=False)
    if filter.search is not None:
        yield or_(
            table.workflow_id.icontains(filter.search, autoescape=True),
            table.id.icontains(filter.search, autoescape=True),
        )
