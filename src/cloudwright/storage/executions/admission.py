"""Admission of executions: created, due, next in the queue of their deployment, or resumed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, func, insert, not_, or_, select, update

from cloudwright.errors import ExecutionRunning, IllegalAction
from cloudwright.model.event import Event
from cloudwright.model.execution import (
    BROUGHT_DOWN,
    END_STATUSES,
    MAX_CRASHES,
    RESUMABLE_STATUSES,
    Caller,
    ExecutionStatus,
    brought_down,
)
from cloudwright.storage import deployment_updates, modifications, task_counts
from cloudwright.storage.columns import is_, is_any
from cloudwright.storage.events import insert_locked
from cloudwright.storage.executions.recorded import Recorded
from cloudwright.storage.executions.rows import current_status, hold, record, this_execution
from cloudwright.storage.locks import lock_deployment
from cloudwright.storage.manager_queries import EXECUTION_COLUMNS
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import Execution, NewExecution
from cloudwright.storage.schema import execution_groups, executions

S = ExecutionStatus

#: An execution in one of these keeps a new one of its deployment from starting.
_BLOCKING = frozenset(ExecutionStatus) - END_STATUSES - {S.SCHEDULED}
#: One in these runs or is about to: it keeps a queued one waiting.
_AHEAD = _BLOCKING - {S.QUEUED}

_OF_DEPLOYMENT = and_(
    executions.c.tenant == bindparam("of_tenant"),
    executions.c.deployment_id == bindparam("deployment"),
    not_(executions.c.deployment_gone),
)
_NEW = (
    "id",
    "tenant",
    "workflow_id",
    "deployment_id",
    "blueprint_id",
    "status",
    "parameters",
    "is_system_workflow",
    "is_dry_run",
    "allow_custom_parameters",
    "wait_after_fail",
    "timeout",
    "force",
    "created_by",
    "created_at",
    "scheduled_for",
    "cleanup_of",
    "parent_id",
    "parent_operation_id",
    "depth",
    "group_id",
)
_INSERT = Prepared(insert(executions).returning(*EXECUTION_COLUMNS), _NEW)
_OTHERS = Prepared(
    select(executions.c.id, executions.c.workflow_id, executions.c.status)
    .where(
        _OF_DEPLOYMENT,
        executions.c.id != bindparam("execution"),
        is_any(executions.c.status, _BLOCKING),
    )
    .order_by(executions.c.created_at, executions.c.id)
)
_ahead = executions.alias("ahead")
_queued = executions.alias("queued")
_running = executions.alias("running_in_group")
#: A queued execution is of no group, or its group has a place for it.
_HAS_PLACE = or_(
    _queued.c.group_id.is_(None),
    exists().where(
        execution_groups.c.id == _queued.c.group_id,
        execution_groups.c.cancel_mode.is_(None),
        execution_groups.c.concurrency
        > select(func.count())
        .where(_running.c.group_id == _queued.c.group_id, is_any(_running.c.status, _AHEAD))
        .correlate(_queued)
        .scalar_subquery(),
    ),
)
_PROMOTE = Prepared(
    update(executions)
    .where(
        executions.c.id
        == select(_queued.c.id)
        .where(
            _queued.c.tenant == bindparam("of_tenant"),
            _queued.c.deployment_id == bindparam("deployment"),
            not_(_queued.c.deployment_gone),
            is_(_queued.c.status, S.QUEUED),
            _HAS_PLACE,
        )
        .order_by(_queued.c.created_at, _queued.c.id)
        .limit(1)
        .scalar_subquery(),
        is_(executions.c.status, S.QUEUED),
        ~exists().where(
            _ahead.c.tenant == bindparam("of_tenant"),
            _ahead.c.deployment_id == bindparam("deployment"),
            not_(_ahead.c.deployment_gone),
            is_any(_ahead.c.status, _AHEAD),
        ),
    )
    .values(status=S.PENDING)
    .returning(executions.c.id)
)
_DUE = Prepared(
    select(executions.c.id, executions.c.tenant, executions.c.deployment_id, executions.c.force)
    .where(is_(executions.c.status, S.SCHEDULED), executions.c.scheduled_for <= bindparam("when"))
    .order_by(executions.c.scheduled_for, executions.c.id)
)
_LEAVE_SCHEDULE = Prepared(
    update(executions)
    .where(this_execution, is_(current_status, S.SCHEDULED))
    .values(status=bindparam("next"))
    .returning(executions.c.id)
)
_ADOPT = Prepared(
    update(executions)
    .where(this_execution)
    .values(parent_id=bindparam("by"), parent_operation_id=bindparam("operation"), cleanup_of=bindparam("of"))
)
_RESUME = Prepared(
    update(executions)
    .where(this_execution, is_any(current_status, RESUMABLE_STATUSES))
    .values(
        status=bindparam("next"),
        resumed=executions.c.resumed + 1,
        reset_operations=bindparam("reset"),
        crashes=bindparam("forgiven"),
        error=None,
        ended_at=None,
        cancel_mode=None,
        cancel_requested_by=None,
        cancel_requested_at=None,
        deadline=None,
        is_idle=False,
    )
    .returning(*EXECUTION_COLUMNS)
)


def create(conn: Connection, new: NewExecution, *, queue: bool, force: bool, now: datetime) -> Execution:
    """Store an execution: scheduled if it has a time, queued if it is of a group, else pending, or queued if
    its deployment is busy.

    Raises ExecutionRunning if the deployment is busy and the execution may neither queue nor, by ``force``,
    run beside others.
    """
    status = S.PENDING
    if new.scheduled_for is not None:
        status = S.SCHEDULED
    elif new.group_id is not None:
        status = S.QUEUED
    elif not force:
        lock_deployment(conn, new.tenant, new.deployment_id)
        others = _others(conn, new.id, new.tenant, new.deployment_id)
        if others and not queue:
            raise ExecutionRunning(_busy(new.deployment_id, others))
        status = S.QUEUED if others else S.PENDING
    row = _INSERT.first(
        conn,
        id=new.id,
        tenant=new.tenant,
        workflow_id=new.workflow_id,
        deployment_id=new.deployment_id,
        blueprint_id=new.blueprint_id,
        status=status,
        parameters=new.parameters,
        is_system_workflow=new.is_system_workflow,
        is_dry_run=new.is_dry_run,
        allow_custom_parameters=new.allow_custom_parameters,
        wait_after_fail=new.wait_after_fail,
        timeout=new.timeout,
        force=force,
        created_by=new.created_by,
        created_at=now,
        scheduled_for=new.scheduled_for,
        cleanup_of=new.cleanup_of,
        parent_id=new.parent_id,
        parent_operation_id=new.parent_operation_id,
        depth=new.depth,
        group_id=new.group_id,
    )
    task_counts.begin(conn, new.id)
    if new.parent_id is not None:
        message = f"It started `{new.workflow_id}` of `{new.deployment_id}`, and waits for it"
        details = {"execution": new.id}
        event = Event(new.parent_id, now, message, event_type="execution_child_started", details=details)
        insert_locked(conn, [event])
    if new.cleanup_of is not None:
        message = f"It started `{new.workflow_id}` of `{new.deployment_id}` while it was being cancelled"
        details = {"execution": new.id}
        event = Event(new.cleanup_of, now, message, event_type="execution_cleanup_started", details=details)
        insert_locked(conn, [event])
    return record(row)


def adopt(conn: Connection, id: str, caller: Caller, *, cleanup: bool) -> None:
    """Make the caller's execution the one that waits for this one, which is about to be resumed."""
    _ADOPT.run(
        conn,
        execution=id,
        by=caller.execution_id,
        operation=caller.operation_id,
        of=caller.execution_id if cleanup else None,
    )


def promote(conn: Connection, tenant: str, deployment_id: str, now: datetime) -> list[str]:
    """Make the deployment's oldest queued execution pending, if none is ahead; returns its ID."""
    lock_deployment(conn, tenant, deployment_id)
    promoted = [row[0] for row in _PROMOTE.all(conn, of_tenant=tenant, deployment=deployment_id)]
    insert_locked(
        conn, [Event(id, now, "It left the queue", event_type="execution_dequeued") for id in promoted]
    )
    return promoted


def due(conn: Connection, now: datetime) -> list[str]:
    """Make scheduled executions whose time has come pending or queued; returns their IDs."""
    moved = []
    for id, tenant, deployment_id, force in _DUE.all(conn, when=now):
        lock_deployment(conn, tenant, deployment_id)
        busy = not force and _others(conn, id, tenant, deployment_id)
        next = S.QUEUED if busy else S.PENDING
        moved += [row[0] for row in _LEAVE_SCHEDULE.all(conn, execution=id, next=next)]
    return moved


def resume(
    conn: Connection,
    id: str,
    *,
    by: str | None,
    reset_operations: bool = False,
    queue: bool = False,
    now: datetime,
) -> Execution:
    """Make a cancelled or failed execution pending again, or queued. Raises NotFound, IllegalAction and
    ExecutionRunning.
    """
    held = hold(conn, id)
    if held.status not in RESUMABLE_STATUSES:
        allowed = " or ".join(f"`{status}`" for status in sorted(RESUMABLE_STATUSES))
        raise IllegalAction(
            f"Execution `{id}` is `{held.status}`; only one that is {allowed} can be resumed."
        )
    if held.workflow_id in tuple(Recorded):
        raise IllegalAction(
            f"Execution `{id}` is not of a workflow, but of what the manager did by itself: it cannot be"
            " resumed. Upload the blueprint again."
        )
    forgiven = 0
    if brought_down(held.crashes):
        if not reset_operations:
            raise IllegalAction(
                f"{BROUGHT_DOWN.format(id=id)} `cfy executions resume --force` tries once more."
            )
        forgiven = MAX_CRASHES - 1
    others = [] if queue else _others(conn, id, held.tenant, held.deployment_id)
    if others:
        raise ExecutionRunning(_busy(held.deployment_id, others))
    next = S.QUEUED if queue else S.PENDING
    resumed = record(_RESUME.first(conn, execution=id, next=next, reset=reset_operations, forgiven=forgiven))
    modifications.reopen(conn, id)
    deployment_updates.reopen(conn, id)
    details = {"by": by, "reset_operations": reset_operations, "previous_status": held.status.value}
    message = f"{by or 'The manager'} resumed `{held.workflow_id}`, which was {held.status}"
    insert_locked(conn, [Event(id, now, message, event_type="execution_resumed", details=details)])
    return resumed


def _others(conn: Connection, id: str, tenant: str, deployment_id: str | None) -> list[Any]:
    """Return (id, workflow_id, status) of the executions that block this one on its deployment."""
    if deployment_id is None:
        return []
    return _OTHERS.all(conn, execution=id, of_tenant=tenant, deployment=deployment_id)


def _busy(deployment_id: str | None, others: Sequence[Any]) -> str:
    named = ", ".join(f"`{id}` ({workflow_id}, {status})" for id, workflow_id, status in others)
    return (
        f"Deployment `{deployment_id}` is busy with {named}. "
        "Wait until that is over, cancel it, or let this one wait in the queue."
    )
