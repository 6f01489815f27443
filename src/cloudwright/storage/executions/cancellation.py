"""Requests to cancel an execution."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, exists, or_, select, update

from cloudwright.errors import ForbiddenWhileCancelling
from cloudwright.model.event import Event
from cloudwright.model.execution import (
    END_STATUSES,
    WAITING_STATUSES,
    Caller,
    CancelMode,
    ExecutionStatus,
    decide_cancel,
    may_create,
)
from cloudwright.model.operation import OperationState
from cloudwright.storage.columns import is_, is_any
from cloudwright.storage.events import insert_locked
from cloudwright.storage.executions.ending import end
from cloudwright.storage.executions.rows import current_status, hold, record, this_execution
from cloudwright.storage.manager_queries import EXECUTION_COLUMNS, unfinished_children
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import OPERATION, CancelResult
from cloudwright.storage.schema import executions, operations

S = ExecutionStatus

_REQUEST = Prepared(
    update(executions)
    .where(this_execution, current_status == bindparam("previous"))
    .values(
        status=bindparam("requested"),
        cancel_mode=bindparam("how"),
        cancel_requested_by=bindparam("by"),
        cancel_requested_at=bindparam("when"),
        deadline=bindparam("until"),
        is_idle=bindparam("idle"),
    )
    .returning(*EXECUTION_COLUMNS)
)
_KILL_RESIDUALS = Prepared(
    update(executions)
    .where(this_execution, current_status == bindparam("previous"))
    .values(kill_term=executions.c.term)
)
_REVOKE_SENT = Prepared(
    update(operations)
    .where(operations.c.execution_id == bindparam("execution"), is_(operations.c.state, OperationState.SENT))
    .values(state=OperationState.CANCELLED, ended_at=bindparam("when"))
)
_UNFINISHED = is_any(executions.c.status, frozenset(S) - END_STATUSES)
_CHILD = executions.c.parent_id == bindparam("execution")
_STARTED_BY = or_(_CHILD, executions.c.cleanup_of == bindparam("execution"))
_RUNS = exists().where(
    operations.c.execution_id == executions.c.id,
    operations.c.kind == OPERATION,
    is_(operations.c.state, OperationState.STARTED),
)
#: What a request is passed on to.
_REACHED = {
    mode: Prepared(select(executions.c.id).where(*conditions).order_by(executions.c.id))
    for mode, conditions in {
        CancelMode.CANCEL: (_CHILD, _UNFINISHED),
        CancelMode.FORCE: (_STARTED_BY, _UNFINISHED),
        CancelMode.KILL: (_STARTED_BY, or_(_UNFINISHED, _RUNS)),
    }.items()
}


def check_may_create(conn: Connection, caller: Caller) -> bool:
    """Return whether the caller's execution is being cancelled, so that what it starts is a clean-up.

    Raises ForbiddenWhileCancelling if it may not create or start anything, and NotFound.
    """
    held = hold(conn, caller.execution_id)
    if not may_create(held.status, held.cancel_mode, aware=caller.aware):
        raise ForbiddenWhileCancelling(
            f"Execution `{held.id}`, which made this request, was asked to {held.cancel_mode}: its status is "
            f"`{held.status}`. It creates and starts nothing more, except in what its workflow runs to clean "
            "up after a standard request."
        )
    return held.cancel_mode is not None


def request_cancel(
    conn: Connection,
    id: str,
    mode: CancelMode,
    *,
    by: str | None,
    now: datetime,
    deadline: datetime | None = None,
) -> CancelResult:
    """Request an execution to stop, as ``model.execution.decide_cancel`` decides. Raises NotFound.

    A waiting execution ends at once, unless it was resumed and has children that are not over: then it waits
    for them as an active one does, and does not run its workflow (``is_idle``). Operations of an active one
    that were not granted yet are revoked. For an execution that has ended, a kill is stored for the
    operations that it left running (``kills``).

    It is passed on to the executions that this one waits for, with the same deadline; a forced request or a
    kill to those that it started while it was being cancelled, too. A refused request changes nothing; the
    decision has the reason.
    """
    result = _request_cancel(conn, id, mode, by=by, now=now, deadline=deadline)
    if result.decision.refusal is not None:
        return result
    passed_on = [
        request_cancel(conn, row[0], mode, by=by, now=now, deadline=deadline)
        for row in _REACHED[mode].all(conn, execution=id)
    ]
    return replace(result, passed_on=passed_on)


def _request_cancel(
    conn: Connection,
    id: str,
    mode: CancelMode,
    *,
    by: str | None,
    now: datetime,
    deadline: datetime | None,
) -> CancelResult:
    held = hold(conn, id)
    has_children = held.status in WAITING_STATUSES and bool(unfinished_children(conn, id))
    decision = decide_cancel(held.status, mode, has_children=has_children)
    if decision.refusal is not None:
        return CancelResult(decision, held, held.status)
    details = {"mode": mode.value, "by": by, "previous_status": held.status.value}
    message = f"{by or 'The manager'} asked to {mode} `{held.workflow_id}`, which was {held.status}"
    insert_locked(conn, [Event(id, now, message, event_type="execution_cancel_requested", details=details)])
    if decision.kill_residuals:
        _KILL_RESIDUALS.run(conn, execution=id, previous=held.status)
    if decision.status is None:
        return CancelResult(decision, held, held.status)
    ends = decision.status in END_STATUSES
    execution = record(
        _REQUEST.first(
            conn,
            execution=id,
            previous=held.status,
            requested=held.status if ends else decision.status,
            how=mode,
            by=by,
            when=now,
            until=deadline if decision.status is S.CANCELLING else None,
            idle=has_children or held.is_idle,
        )
    )
    if not ends:
        # Revoke operations that were sent before the workflow saw the cancellation. A workflow that continues
        # or cleans up must send them again; after a forced request it sends nothing.
        _REVOKE_SENT.run(conn, execution=id, when=now)
        return CancelResult(decision, execution, held.status)
    ended = end(conn, execution, decision.status, None, now)
    return CancelResult(decision, ended.execution, held.status, ended.promoted)
