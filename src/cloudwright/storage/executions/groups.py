"""Members of groups of executions: let out of the queue so many at a time, counted when they end, resumed.

A member waits as `queued`, for a place in its group as well as for its deployment. A group that was asked to
stop has no places, so that none of its members starts after that was stored.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Integer, bindparam, exists, func, not_, or_, select, update

from cloudwright.model.event import Event
from cloudwright.model.execution import (
    ACTIVE_STATUSES,
    END_STATUSES,
    RESUMABLE_STATUSES,
    WAITING_STATUSES,
    ExecutionStatus,
    brought_down,
)
from cloudwright.model.operation import OperationState
from cloudwright.storage import group_members
from cloudwright.storage.columns import is_, is_any
from cloudwright.storage.events import insert_locked
from cloudwright.storage.executions import admission
from cloudwright.storage.locks import lock_row
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import OPERATION, Execution
from cloudwright.storage.schema import execution_groups, executions, operations

S = ExecutionStatus

#: A member in one of these has a place in its group.
HAS_PLACE = frozenset(S) - END_STATUSES - {S.SCHEDULED, S.QUEUED}

_member = executions.alias("member")
_ahead = executions.alias("member_ahead")
_HOLD = Prepared(
    lock_row(
        select(
            execution_groups.c.tenant,
            execution_groups.c.concurrency,
            execution_groups.c.cancel_mode,
            execution_groups.c.success_group_id,
            execution_groups.c.failure_group_id,
        ).where(execution_groups.c.id == bindparam("group"))
    )
)
_COUNT = Prepared(
    select(func.count()).where(
        executions.c.group_id == bindparam("group"), is_any(executions.c.status, HAS_PLACE)
    )
)
_FILL = Prepared(
    update(executions)
    .where(
        executions.c.id.in_(
            select(_member.c.id)
            .where(
                _member.c.group_id == bindparam("group"),
                is_(_member.c.status, S.QUEUED),
                or_(
                    _member.c.force,
                    ~exists().where(
                        _ahead.c.tenant == _member.c.tenant,
                        _ahead.c.deployment_id == _member.c.deployment_id,
                        not_(_ahead.c.deployment_gone),
                        is_any(_ahead.c.status, HAS_PLACE),
                    ),
                ),
            )
            .order_by(_member.c.created_at, _member.c.deployment_id, _member.c.id)
            .limit(bindparam("places", type_=Integer))
        ),
        is_(executions.c.status, S.QUEUED),
    )
    .values(status=S.PENDING)
    .returning(executions.c.id)
)
_STATUSES = Prepared(
    select(executions.c.id, executions.c.status)
    .where(executions.c.group_id == bindparam("group"))
    .order_by(executions.c.created_at, executions.c.id)
)
_RESUMABLE = Prepared(
    select(executions.c.id, executions.c.workflow_entered, executions.c.crashes)
    .where(executions.c.group_id == bindparam("group"), is_any(executions.c.status, RESUMABLE_STATUSES))
    .order_by(executions.c.created_at, executions.c.id)
)
_ENDED = Prepared(
    select(executions.c.deployment_id, executions.c.status)
    .where(
        executions.c.group_id == bindparam("group"),
        is_any(executions.c.status, END_STATUSES),
        executions.c.deployment_id.is_not(None),
        not_(executions.c.deployment_gone),
    )
    .order_by(executions.c.deployment_id)
)
_LEFT_RUNNING = Prepared(
    select(executions.c.id)
    .join(operations, operations.c.execution_id == executions.c.id)
    .where(
        executions.c.group_id == bindparam("group"),
        is_any(executions.c.status, END_STATUSES),
        is_(operations.c.state, OperationState.STARTED),
        operations.c.kind == OPERATION,
    )
    .distinct()
)


def fill(conn: Connection, group_id: str, now: datetime) -> list[str]:
    """Make as many queued members pending as the group has places; returns their IDs."""
    group = _HOLD.first(conn, group=group_id)
    if group is None:
        return []
    _, concurrency, cancel_mode, _, _ = group
    if cancel_mode is not None:
        return []
    running = _COUNT.first(conn, group=group_id)
    places = concurrency - (running[0] if running else 0)
    if places <= 0:
        return []
    filled = [row[0] for row in _FILL.all(conn, group=group_id, places=places)]
    insert_locked(
        conn, [Event(id, now, "It left the queue", event_type="execution_dequeued") for id in filled]
    )
    return filled


def member_ended(conn: Connection, ended: Execution, now: datetime) -> list[str]:
    """Give the place of a member that ended to the next, and its deployment to the group of those that ended
    like it. Returns the IDs of members that may start.
    """
    if ended.group_id is None:
        return []
    filled = fill(conn, ended.group_id, now)
    group = _HOLD.first(conn, group=ended.group_id)
    if group is not None and ended.deployment_id is not None:
        tenant, _, _, success, failure = group
        target = {S.TERMINATED: success, S.FAILED: failure}.get(ended.status)
        if target is not None:
            group_members.add_if_there(conn, tenant, target, ended.deployment_id, now)
    return filled


def resume_members(
    conn: Connection, group_id: str, *, by: str | None, reset_operations: bool, now: datetime
) -> list[str]:
    """Put members that failed or were cancelled back into the queue, but for those that a resume cannot
    help; returns their IDs. The group has places again.
    """
    resumed = []
    for id, workflow_entered, crashes in _RESUMABLE.all(conn, group=group_id):
        if workflow_entered or (brought_down(crashes) and not reset_operations):
            continue
        admission.resume(conn, id, by=by, reset_operations=reset_operations, queue=True, now=now)
        resumed.append(id)
    return resumed


def to_cancel(conn: Connection, group_id: str, *, kill: bool) -> list[str]:
    """Return the members that a request to stop reaches, those that wait before those that run; a kill
    reaches what ended members left running too.
    """
    rows = _STATUSES.all(conn, group=group_id)
    waiting = [id for id, status in rows if status in WAITING_STATUSES]
    running = [id for id, status in rows if status in ACTIVE_STATUSES]
    left = [row[0] for row in _LEFT_RUNNING.all(conn, group=group_id)] if kill else []
    return [*waiting, *running, *left]


def ended_members(conn: Connection, group_id: str) -> list[tuple[str, ExecutionStatus]]:
    """Return the deployments of members that ended, and how."""
    return [(row[0], ExecutionStatus(row[1])) for row in _ENDED.all(conn, group=group_id)]
