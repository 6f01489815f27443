"""The REST API's executions: the fields of a record, its list, and its progress for a stream."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, literal_column, not_, select

from cloudwright.errors import NotFound
from cloudwright.model.execution import RESUMABLE_STATUSES, ExecutionStatus
from cloudwright.storage import manager_queries
from cloudwright.storage.columns import is_, is_any, unindexed
from cloudwright.storage.filters import ExecutionFilter
from cloudwright.storage.json_pages import JsonPage, JsonRecords, Projection, json_page
from cloudwright.storage.paging import Page
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.resources import event
from cloudwright.storage.resources.expressions import OVER, STARTED, constant
from cloudwright.storage.schema import deployments, executions, operations, task_counts

_STILL_STARTED = (
    select(func.count())
    .where(operations.c.execution_id == executions.c.id, STARTED)
    .correlate(executions)
    .scalar_subquery()
)
_NONE: ColumnElement[int] = literal_column("0")

EXECUTION = Projection(
    {
        "id": executions.c.id,
        "workflow_id": executions.c.workflow_id,
        "deployment_id": executions.c.deployment_id,
        "deployment_display_name": func.coalesce(deployments.c.display_name, executions.c.deployment_id),
        "blueprint_id": executions.c.blueprint_id,
        "status": executions.c.status,
        "status_display": case(
            (is_(executions.c.status, ExecutionStatus.TERMINATED), constant("completed")),
            else_=executions.c.status,
        ),
        "error": executions.c.error,
        "parameters": executions.c.parameters,
        "is_system_workflow": executions.c.is_system_workflow,
        "is_dry_run": executions.c.is_dry_run,
        "allow_custom_parameters": executions.c.allow_custom_parameters,
        "created_at": executions.c.created_at,
        "scheduled_for": executions.c.scheduled_for,
        "started_at": executions.c.started_at,
        "ended_at": executions.c.ended_at,
        "total_operations": func.coalesce(task_counts.c.total, _NONE),
        "finished_operations": func.coalesce(task_counts.c.finished, _NONE),
        "resumed": executions.c.resumed,
        # A workflow that is not resumable is not called again once its function may have been called.
        "is_resumable": and_(
            is_any(executions.c.status, RESUMABLE_STATUSES), not_(executions.c.workflow_entered)
        ),
        "cancel_mode": executions.c.cancel_mode,
        "cancel_requested_by": executions.c.cancel_requested_by,
        "cancel_requested_at": executions.c.cancel_requested_at,
        "deadline": executions.c.deadline,
        "parent_id": executions.c.parent_id,
        "residual_operations": case((OVER, _STILL_STARTED), else_=_NONE),
        "tenant_name": executions.c.tenant,
        "created_by": executions.c.created_by,
        "visibility": case(
            (executions.c.private_to.is_not(None), constant("private")),
            else_=func.coalesce(deployments.c.visibility, constant("tenant")),
        ),
    },
    beside=(
        (task_counts, task_counts.c.execution_id == executions.c.id),
        (
            deployments,
            and_(
                deployments.c.tenant == executions.c.tenant,
                deployments.c.id == executions.c.deployment_id,
                not_(executions.c.deployment_gone),
            ),
        ),
    ),
)

_ONE = select(executions.c.id).where(
    executions.c.id == bindparam("execution"), unindexed(executions.c.tenant) == bindparam("of_tenant")
)
_RECORD = JsonRecords(EXECUTION, _ONE, beside=("status",))
_STATUS = Prepared(_ONE.with_only_columns(executions.c.status))


@dataclass(frozen=True, slots=True)
class Progress:
    """What is new in an execution: its record if the status is another one, and its next events."""

    status: ExecutionStatus
    record: str | None
    events: list[event.StreamedEvent]


def get_json(conn: Connection, tenant: str, id: str, chosen: Collection[str] | None = None) -> str:
    """Read one execution; ``chosen`` are the wanted fields, None means all. Raises NotFound."""
    found = _RECORD.json(conn, chosen, execution=id, of_tenant=tenant)
    if found is None:
        raise _not_found(tenant, id)
    return found


def get_page(
    conn: Connection, filter: ExecutionFilter, chosen: Collection[str] | None, page: Page
) -> JsonPage:
    if filter.residual:
        # Few are, and by their ids they are found without a look at all executions of the tenant.
        left = manager_queries.left_running(conn)
        ids = left if filter.ids is None else [id for id in left if id in filter.ids]
        if not ids:
            return JsonPage("", 0, 0)
        filter = replace(filter, ids=ids)
    return json_page(conn, manager_queries.listing(filter), EXECUTION, chosen, page)


def check(conn: Connection, tenant: str, id: str) -> ExecutionStatus:
    """Return the status. Raises NotFound, also for an execution of another tenant."""
    row = _STATUS.first(conn, execution=id, of_tenant=tenant)
    if row is None:
        raise _not_found(tenant, id)
    return ExecutionStatus(row[0])


def get_progress(
    conn: Connection, tenant: str, id: str, known: ExecutionStatus | None, after: int, limit: int
) -> Progress:
    """Read what happened since a status and an event were seen. Raises NotFound.

    The execution is read first: what was stored before an end that is seen here is among its events.
    """
    status, record = check(conn, tenant, id), None
    if status is not known:
        found = _RECORD.first(conn, execution=id, of_tenant=tenant)
        if found is None:
            raise _not_found(tenant, id)
        status, record = ExecutionStatus(found[0]), found[-1]
    return Progress(status, record, event.get_tail(conn, id, after, limit))


def _not_found(tenant: str, id: str) -> NotFound:
    return NotFound(f"There is no execution `{id}` in tenant `{tenant}`.")
