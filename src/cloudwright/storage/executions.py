"""Executions: the one module that writes their status.

Every verb's UPDATE is guarded by the statuses from which ``model.execution.TRANSITIONS`` allows it, and where
there is an owner by the owner's term; what the verb answers says whether it applied. Every end goes through
``_end``: the final status, the revocation of what has not started, the event and the next execution of the
deployment are one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, func, insert, or_, select, tuple_, update

from cloudwright.errors import ExecutionRunning, IllegalAction, NotFound
from cloudwright.model.event import Event
from cloudwright.model.execution import (
    ACTIVE_STATUSES,
    END_STATUSES,
    GRANTING_STATUSES,
    RESUMABLE_STATUSES,
    CancelMode,
    ExecutionStatus,
    Outcome,
    decide_cancel,
    final_status,
    sources_of,
)
from cloudwright.model.operation import OperationState
from cloudwright.storage.columns import is_, is_any, unindexed
from cloudwright.storage.events import insert_locked
from cloudwright.storage.execution_queries import (
    EXECUTION_COLUMNS,
    active,
    expired,
    get,
    kills,
    list_executions,
    next_wakeup,
    past_deadline,
    pending,
    with_progress,
)
from cloudwright.storage.json_codec import storable
from cloudwright.storage.locks import lock_deployment, lock_deployment_of
from cloudwright.storage.operations import count_by_state, running
from cloudwright.storage.prepared import Prepared, Row
from cloudwright.storage.records import OPERATION, CancelResult, Execution, FinishResult, NewExecution
from cloudwright.storage.schema import executions, operations

__all__ = [
    "active",
    "begin",
    "claim",
    "create",
    "due",
    "expired",
    "fail_pending",
    "finish",
    "get",
    "kills",
    "list_executions",
    "next_wakeup",
    "past_deadline",
    "pending",
    "promote",
    "renew",
    "request_cancel",
    "resume",
    "take_over",
    "with_progress",
]

S = ExecutionStatus

#: An execution in one of these is in the way of a new one of its deployment.
_BLOCKING = frozenset(ExecutionStatus) - END_STATUSES - {S.SCHEDULED}
#: One in these runs, or is about to: it is in the way of a queued one.
_AHEAD = _BLOCKING - {S.QUEUED}

_THIS = executions.c.id == bindparam("execution")
_status = unindexed(executions.c.status)
_OF_DEPLOYMENT = and_(
    executions.c.tenant == bindparam("of_tenant"), executions.c.deployment_id == bindparam("deployment")
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
    "force",
    "created_by",
    "created_at",
    "scheduled_for",
)
_INSERT = Prepared(insert(executions).returning(*EXECUTION_COLUMNS), _NEW)
_HOLD = Prepared(select(*EXECUTION_COLUMNS).where(_THIS).with_for_update(key_share=True))
_OTHERS = Prepared(
    select(executions.c.id, executions.c.workflow_id, executions.c.status)
    .where(
        _OF_DEPLOYMENT,
        executions.c.id != bindparam("execution"),
        is_any(executions.c.status, _BLOCKING),
    )
    .order_by(executions.c.created_at, executions.c.id)
)
_CLAIM = Prepared(
    update(executions)
    .where(_THIS, is_any(_status, sources_of(S.STARTED)))
    .values(
        status=S.STARTED,
        owner=bindparam("by"),
        lease_until=bindparam("until"),
        term=executions.c.term + 1,
        started_at=func.coalesce(
            executions.c.started_at, bindparam("when", type_=executions.c.started_at.type)
        ),
    )
    .returning(*EXECUTION_COLUMNS)
)
_TAKE_OVER = Prepared(
    update(executions)
    .where(
        _THIS,
        is_any(_status, ACTIVE_STATUSES),
        executions.c.term == bindparam("old"),
        or_(
            executions.c.owner.is_(None),
            executions.c.owner == bindparam("by"),
            executions.c.lease_until.is_(None),
            executions.c.lease_until <= bindparam("when"),
        ),
    )
    .values(owner=bindparam("by"), lease_until=bindparam("until"), term=executions.c.term + 1)
    .returning(*EXECUTION_COLUMNS)
)
_BEGIN = Prepared(
    update(executions)
    .where(_THIS, is_any(_status, GRANTING_STATUSES), executions.c.term == bindparam("current"))
    .values(begun=True)
    .returning(executions.c.id)
)
_RENEW = (
    update(executions)
    .where(
        executions.c.owner == bindparam("by"),
        is_any(_status, ACTIVE_STATUSES),
        tuple_(executions.c.id, executions.c.term).in_(bindparam("ids_terms", expanding=True)),
    )
    .values(lease_until=bindparam("until"))
    .returning(executions.c.id)
)
_REQUEST = Prepared(
    update(executions)
    .where(_THIS, _status == bindparam("previous"))
    .values(
        status=bindparam("requested"),
        cancel_mode=bindparam("how"),
        cancel_requested_by=bindparam("by"),
        cancel_requested_at=bindparam("when"),
        deadline=bindparam("until"),
    )
    .returning(*EXECUTION_COLUMNS)
)
_KILL_RESIDUALS = Prepared(
    update(executions).where(_THIS, _status == bindparam("previous")).values(kill_term=executions.c.term)
)
_END = Prepared(
    update(executions)
    .where(_THIS, _status == bindparam("previous"), executions.c.term == bindparam("current"))
    .values(
        status=bindparam("final"),
        error=bindparam("why"),
        ended_at=bindparam("when"),
        owner=None,
        lease_until=None,
        deadline=None,
        total_operations=bindparam("total"),
        finished_operations=bindparam("finished"),
    )
    .returning(*EXECUTION_COLUMNS)
)
_REVOKE_SENT = Prepared(
    update(operations)
    .where(operations.c.execution_id == bindparam("execution"), is_(operations.c.state, OperationState.SENT))
    .values(state=OperationState.CANCELLED, ended_at=bindparam("when"))
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
_ahead = executions.alias("ahead")
_queued = executions.alias("queued")
_PROMOTE = Prepared(
    update(executions)
    .where(
        executions.c.id
        == select(_queued.c.id)
        .where(
            _queued.c.tenant == bindparam("of_tenant"),
            _queued.c.deployment_id == bindparam("deployment"),
            is_(_queued.c.status, S.QUEUED),
        )
        .order_by(_queued.c.created_at, _queued.c.id)
        .limit(1)
        .scalar_subquery(),
        is_(executions.c.status, S.QUEUED),
        ~exists().where(
            _ahead.c.tenant == bindparam("of_tenant"),
            _ahead.c.deployment_id == bindparam("deployment"),
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
    .where(_THIS, is_(_status, S.SCHEDULED))
    .values(status=bindparam("next"))
    .returning(executions.c.id)
)
_RESUME = Prepared(
    update(executions)
    .where(_THIS, is_any(_status, RESUMABLE_STATUSES))
    .values(
        status=S.PENDING,
        resumed=executions.c.resumed + 1,
        reset_operations=bindparam("reset"),
        error=None,
        ended_at=None,
        cancel_mode=None,
        cancel_requested_by=None,
        cancel_requested_at=None,
        deadline=None,
    )
    .returning(*EXECUTION_COLUMNS)
)
_ENDS = {S.TERMINATED: "succeeded", S.FAILED: "failed", S.CANCELLED: "cancelled"}


def create(conn: Connection, new: NewExecution, *, queue: bool, force: bool, now: datetime) -> Execution:
    """Store an execution: scheduled if it has a time, else pending, or queued where its deployment is busy.

    Raises ExecutionRunning where the deployment is busy and it may neither queue nor, by ``force``, run
    beside others.
    """
    status = S.PENDING
    if new.scheduled_for is not None:
        status = S.SCHEDULED
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
        force=force,
        created_by=new.created_by,
        created_at=now,
        scheduled_for=new.scheduled_for,
    )
    return _one(row)


def claim(
    conn: Connection, id: str, owner: str, lease_until: datetime | None, now: datetime
) -> Execution | None:
    """Start a pending execution under the next term; None where somebody cancelled or claimed it before."""
    row = _CLAIM.first(conn, execution=id, by=owner, until=lease_until, when=now)
    return None if row is None else Execution(*row)


def take_over(
    conn: Connection, id: str, *, old_term: int, owner: str, lease_until: datetime | None, now: datetime
) -> Execution | None:
    """Own an active execution under the next term; None where ``old_term`` is not its term any more, or
    another owner's lease has not run out.
    """
    row = _TAKE_OVER.first(conn, execution=id, old=old_term, by=owner, until=lease_until, when=now)
    return None if row is None else Execution(*row)


def begin(conn: Connection, id: str, term: int) -> bool:
    """Keep that the function of a workflow that can not be resumed is about to be called.

    False where it must not be: ``term`` is not current, or the execution is over or being forced.
    """
    return _BEGIN.first(conn, execution=id, current=term) is not None


def renew(
    conn: Connection, owner: str, ids_terms: Sequence[tuple[str, int]], lease_until: datetime
) -> set[str]:
    """Keep these executions until then; answers the ids of those that are still the owner's."""
    if not ids_terms:
        return set()
    return set(conn.scalars(_RENEW, {"by": owner, "ids_terms": sorted(ids_terms), "until": lease_until}))


def request_cancel(
    conn: Connection,
    id: str,
    mode: CancelMode,
    *,
    by: str | None,
    now: datetime,
    deadline: datetime | None = None,
) -> CancelResult:
    """Ask an execution to stop, as ``model.execution.decide_cancel`` decides. Raises NotFound.

    A waiting execution is over at once; of an active one, every operation that was not granted yet is
    revoked. Of one that is over or waits to be resumed, a kill is kept for what it left running (``kills``).
    A refused request changes nothing; the decision says why.
    """
    held = _hold(conn, id)
    decision = decide_cancel(held.status, mode)
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
    execution = _one(
        _REQUEST.first(
            conn,
            execution=id,
            previous=held.status,
            requested=held.status if ends else decision.status,
            how=mode,
            by=by,
            when=now,
            until=deadline if decision.status is S.CANCELLING else None,
        )
    )
    if not ends:
        # What was asked for before the workflow knew of the request does not start. One that goes on all the
        # same, or cleans up, asks for it again; after a forced request nothing is asked for any more.
        _REVOKE_SENT.run(conn, execution=id, when=now)
        return CancelResult(decision, execution, held.status)
    ended = _end(conn, execution, decision.status, None, now)
    return CancelResult(decision, ended.execution, held.status, ended.promoted)


def finish(
    conn: Connection,
    id: str,
    term: int,
    outcome: Outcome,
    *,
    error: str | None = None,
    note: str | None = None,
    killed: bool = False,
    now: datetime,
) -> FinishResult | None:
    """End an execution whose workflow's process is gone; None where ``term`` is not current or it is not
    active.

    ``error`` is kept where it ends as failed. ``note`` is kept however it ends, unless there is an error to
    keep. ``killed`` says that the execution's operations were ended too: where a kill is requested, nothing
    is stored without it, and the answer says ``kill_first``.
    """
    held = _hold(conn, id)
    if held.term != term or held.status not in ACTIVE_STATUSES:
        return None
    if held.status is S.KILL_CANCELLING and not killed:
        return FinishResult(held, 0, running(conn, id), [], kill_first=True)
    final = final_status(held.status, outcome)
    return _end(conn, held, final, (error or note) if final is S.FAILED else note, now)


def fail_pending(conn: Connection, id: str, error: str, now: datetime) -> bool:
    """End a pending execution that cannot be started; False where it is not pending."""
    held = _hold(conn, id)
    if held.status is not S.PENDING:
        return False
    _end(conn, held, S.FAILED, error, now)
    return True


def promote(conn: Connection, tenant: str, deployment_id: str, now: datetime) -> list[str]:
    """Take the deployment's oldest queued execution out of the queue, if none is ahead; answers its id."""
    lock_deployment(conn, tenant, deployment_id)
    promoted = [row[0] for row in _PROMOTE.all(conn, of_tenant=tenant, deployment=deployment_id)]
    insert_locked(
        conn, [Event(id, now, "It left the queue", event_type="execution_dequeued") for id in promoted]
    )
    return promoted


def due(conn: Connection, now: datetime) -> list[str]:
    """Put scheduled executions whose time has come where they would be if they were created now; answers
    their ids.
    """
    moved = []
    for id, tenant, deployment_id, force in _DUE.all(conn, when=now):
        lock_deployment(conn, tenant, deployment_id)
        busy = not force and _others(conn, id, tenant, deployment_id)
        next = S.QUEUED if busy else S.PENDING
        moved += [row[0] for row in _LEAVE_SCHEDULE.all(conn, execution=id, next=next)]
    return moved


def resume(
    conn: Connection, id: str, *, by: str | None, reset_operations: bool = False, now: datetime
) -> Execution:
    """Make a cancelled or failed execution pending again. Raises NotFound, IllegalAction and
    ExecutionRunning.
    """
    held = _hold(conn, id)
    if held.status not in RESUMABLE_STATUSES:
        allowed = " or ".join(f"`{status}`" for status in sorted(RESUMABLE_STATUSES))
        raise IllegalAction(
            f"Execution `{id}` is `{held.status}`; only one that is {allowed} can be resumed."
        )
    others = _others(conn, id, held.tenant, held.deployment_id)
    if others:
        raise ExecutionRunning(_busy(held.deployment_id, others))
    resumed = _one(_RESUME.first(conn, execution=id, reset=reset_operations))
    details = {"by": by, "reset_operations": reset_operations, "previous_status": held.status.value}
    message = f"{by or 'The manager'} resumed `{held.workflow_id}`, which was {held.status}"
    insert_locked(conn, [Event(id, now, message, event_type="execution_resumed", details=details)])
    return resumed


def _hold(conn: Connection, id: str) -> Execution:
    """The execution, which from here to the commit nobody else changes; nor who runs on its deployment."""
    lock_deployment_of(conn, id)
    row = _HOLD.first(conn, execution=id)
    if row is None:
        raise NotFound(f"There is no execution `{id}`.")
    return Execution(*row)


def _end(
    conn: Connection, held: Execution, final: ExecutionStatus, error: str | None, now: datetime
) -> FinishResult:
    """The ending transaction, of an execution that this one holds."""
    # Users' code words it, and an end that no database takes would never be stored.
    error = None if error is None else storable(error)
    counts = count_by_state(conn, held.id)
    ending = _END.ask(
        conn,
        execution=held.id,
        previous=held.status,
        current=held.term,
        final=final,
        why=error,
        when=now,
        total=sum(counts.values()),
        finished=counts.get(OperationState.SUCCEEDED, 0) + counts.get(OperationState.FAILED, 0),
    )
    revoking = _REVOKE.ask(conn, execution=held.id, when=now)
    residual = running(conn, held.id)
    ended, revoked = _one(ending.first()), len(revoking.all())
    message = f"`{held.workflow_id}` {_ENDS[final]}" + (f": {error}" if error else "")
    details: dict[str, Any] = {"error": error} if error else {}
    if residual:
        details["residual_operations"] = [operation.id for operation in residual]
    insert_locked(
        conn, [Event(held.id, now, message, event_type=f"workflow_{_ENDS[final]}", details=details)]
    )
    promoted = []
    if held.deployment_id is not None:
        promoted = promote(conn, held.tenant, held.deployment_id, now)
    return FinishResult(ended, revoked, residual, promoted)


def _one(row: Row | None) -> Execution:
    """What a guarded UPDATE answered of a row that this transaction holds, so that its guard can not fail."""
    assert row is not None
    return Execution(*row)


def _others(conn: Connection, id: str, tenant: str, deployment_id: str | None) -> list[Any]:
    """(id, workflow_id, status) of what is in the way of this execution on its deployment."""
    if deployment_id is None:
        return []
    return _OTHERS.all(conn, execution=id, of_tenant=tenant, deployment=deployment_id)


def _busy(deployment_id: str | None, others: Sequence[Any]) -> str:
    named = ", ".join(f"`{id}` ({workflow_id}, {status})" for id, workflow_id, status in others)
    return (
        f"Deployment `{deployment_id}` is busy with {named}. "
        "Wait until that is over, cancel it, or let this one wait in the queue."
    )
