"""The end of an execution."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, or_, update

from cloudwright.model.event import Event
from cloudwright.model.execution import (
    ACTIVE_STATUSES,
    ExecutionStatus,
    Outcome,
    final_status,
)
from cloudwright.model.operation import OperationState
from cloudwright.storage import deployment_updates, modifications
from cloudwright.storage.columns import is_, is_any
from cloudwright.storage.events import insert_locked
from cloudwright.storage.executions.admission import promote
from cloudwright.storage.executions.groups import member_ended
from cloudwright.storage.executions.rows import current_status, hold, record, this_execution
from cloudwright.storage.json_codec import storable
from cloudwright.storage.manager_queries import EXECUTION_COLUMNS, unfinished_children
from cloudwright.storage.operations import running
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import OPERATION, Execution, FinishResult
from cloudwright.storage.schema import executions, operations, workers

S = ExecutionStatus

_END = Prepared(
    update(executions)
    .where(this_execution, current_status == bindparam("previous"), executions.c.term == bindparam("current"))
    .values(
        status=bindparam("final"),
        error=bindparam("why"),
        ended_at=bindparam("when"),
        owner=None,
        lease_until=None,
        deadline=None,
    )
    .returning(*EXECUTION_COLUMNS)
)
_REVOKE = Prepared(
    update(operations)
    .where(
        operations.c.execution_id == bindparam("execution"),
        or_(
            is_any(operations.c.state, {OperationState.PENDING, OperationState.SENT}),
            # A task inside the workflow's process ended with that process.
            and_(operations.c.kind != OPERATION, is_(operations.c.state, OperationState.STARTED)),
        ),
    )
    .values(state=OperationState.CANCELLED, ended_at=bindparam("when"))
    .returning(operations.c.id)
)
_KEEP_KILL = Prepared(
    update(executions)
    .where(
        executions.c.id == bindparam("execution"),
        exists().where(
            operations.c.execution_id == bindparam("execution"),
            is_(operations.c.state, OperationState.STARTED),
            operations.c.kind == OPERATION,
            exists().where(workers.c.name == operations.c.worker),
        ),
    )
    .values(kill_term=executions.c.term)
)
_ENDS = {S.TERMINATED: "succeeded", S.FAILED: "failed", S.CANCELLED: "cancelled"}


def finish(
    conn: Connection,
    id: str,
    term: int,
    outcome: Outcome,
    *,
    error: str | None = None,
    note: str | None = None,
    killed: bool = False,
    waited: bool = False,
    now: datetime,
) -> FinishResult | None:
    """End an execution whose workflow's process is gone.

    Returns None if ``term`` is not current or the execution is not active. ``error`` is stored if it ends as
    failed, ``note`` if there is no error to store. ``killed`` says that the execution's operations were ended
    too: if a kill is requested and they were not, nothing is stored and the result says ``kill_first``.
    ``waited`` says that its children were waited for: if a cancellation is requested and they were not, the
    result says ``children_first``.
    """
    held = hold(conn, id)
    if held.term != term or held.status not in ACTIVE_STATUSES:
        return None
    if held.status is S.KILL_CANCELLING and not killed:
        return FinishResult(held, 0, running(conn, id), [], kill_first=True)
    if held.cancel_mode is not None and not waited and unfinished_children(conn, id):
        return FinishResult(held, 0, running(conn, id), [], children_first=True)
    if held.status is S.KILL_CANCELLING:
        # What could not be reached is to die when it can be, whatever becomes of this manager.
        _KEEP_KILL.run(conn, execution=id)
    final = final_status(held.status, outcome)
    return end(conn, held, final, (error or note) if final is S.FAILED else note, now)


def fail_pending(conn: Connection, id: str, error: str, now: datetime) -> bool:
    """End a pending execution that cannot be started; False if it is not pending any more."""
    held = hold(conn, id)
    if held.status is not S.PENDING:
        return False
    end(conn, held, S.FAILED, error, now)
    return True


def end(
    conn: Connection, held: Execution, final: ExecutionStatus, error: str | None, now: datetime
) -> FinishResult:
    """End an execution whose row this transaction holds."""
    # The text comes from users' code, and an end that the database refuses would never be stored.
    error = None if error is None else storable(error)
    ending = _END.ask(
        conn,
        execution=held.id,
        previous=held.status,
        current=held.term,
        final=final,
        why=error,
        when=now,
    )
    revoking = _REVOKE.ask(conn, execution=held.id, when=now)
    residual = running(conn, held.id)
    ended, revoked = record(ending.first()), len(revoking.all())
    message = f"`{held.workflow_id}` {_ENDS[final]}" + (f": {error}" if error else "")
    details: dict[str, Any] = {"error": error} if error else {}
    if residual:
        details["residual_operations"] = [operation.id for operation in residual]
    insert_locked(
        conn, [Event(held.id, now, message, event_type=f"workflow_{_ENDS[final]}", details=details)]
    )
    for change in (modifications, deployment_updates):
        change.end_of_execution(conn, held.id, cancelled=final is S.CANCELLED, now=now)
    promoted = []
    if held.deployment_id is not None:
        promoted = promote(conn, held.tenant, held.deployment_id, now)
    promoted += member_ended(conn, ended, now)
    return FinishResult(ended, revoked, residual, promoted)
