"""Operations: the one row that decides whether an operation starts, and that holds its result.

``grant`` is the only way to ``started``. ``end`` and ``lose`` are the only ways on from there, and they do
not ask what became of the execution: a result is kept whenever it arrives. How operations come here is
``journal.py``'s.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, select, update

from cloudwright.errors import NotFound
from cloudwright.model.event import Event
from cloudwright.model.execution import END_STATUSES, GRANTING_STATUSES
from cloudwright.model.operation import OperationState, headline
from cloudwright.storage import task_counts
from cloudwright.storage.columns import is_, is_any, unindexed
from cloudwright.storage.events import insert_locked
from cloudwright.storage.filters import OperationFilter
from cloudwright.storage.instances import apply_updates
from cloudwright.storage.locks import Held, ask_hold_of_operation, lock_executions
from cloudwright.storage.paging import Listing, columns_of, one_of
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import OPERATION, EndResult, GraphRow, JsonObject, Operation
from cloudwright.storage.schema import executions, operations
from cloudwright.storage.schema import graphs as graph_rows
from cloudwright.storage.visibility import seen

_COLUMNS = columns_of(Operation, operations)
_STARTED = is_(operations.c.state, OperationState.STARTED)
_IS_STARTED = is_(unindexed(operations.c.state), OperationState.STARTED)


class _Subject(NamedTuple):
    """What an event says about its operation."""

    execution_id: str
    id: str
    attempt: int
    name: str
    instance_id: str | None
    source_id: str | None
    target_id: str | None
    worker: str | None


_SUBJECT = [operations.c[name] for name in _Subject._fields]
_THIS_ATTEMPT = and_(operations.c.id == bindparam("operation"), operations.c.attempt == bindparam("which"))
_GRANT = Prepared(
    update(operations)
    .where(
        _THIS_ATTEMPT,
        unindexed(operations.c.execution_id) == bindparam("execution"),
        is_(unindexed(operations.c.state), OperationState.SENT),
        exists().where(
            executions.c.id == bindparam("execution"),
            is_any(unindexed(executions.c.status), GRANTING_STATUSES),
            executions.c.term == bindparam("current"),
        ),
    )
    .values(
        state=OperationState.STARTED,
        worker=bindparam("by"),
        started_at=bindparam("when"),
        term=bindparam("current"),
        pid=None,
    )
    .returning(*_SUBJECT)
)
_SET_PID = Prepared(update(operations).where(_THIS_ATTEMPT, _IS_STARTED).values(pid=bindparam("number")))
_END = Prepared(
    update(operations)
    .where(_THIS_ATTEMPT, _IS_STARTED)
    .values(
        state=bindparam("new_state"),
        result=bindparam("value"),
        failure=bindparam("why"),
        ended_at=bindparam("when"),
    )
    .returning(*_SUBJECT)
)
_FAIL_AFTER_ALL = Prepared(
    update(operations)
    .where(operations.c.id == bindparam("operation"))
    .values(state=OperationState.FAILED, result=None, failure=bindparam("why"))
)
_LOSE = Prepared(
    update(operations)
    .where(operations.c.id == bindparam("operation"), operations.c.kind == OPERATION, _IS_STARTED)
    .values(state=OperationState.FAILED, failure=bindparam("why"), ended_at=bindparam("when"))
    .returning(*_COLUMNS)
)
_OWNER = Prepared(select(operations.c.execution_id).where(operations.c.id == bindparam("operation")))
_STARTED_FIRST = (
    select(*_COLUMNS)
    .where(_STARTED, operations.c.kind == OPERATION)
    .order_by(operations.c.started_at, operations.c.id)
)
_OF_ONE = operations.c.execution_id == bindparam("execution")
_RUNNING = Prepared(_STARTED_FIRST)
_RUNNING_OF = Prepared(_STARTED_FIRST.where(_OF_ONE))
_COUNT = Prepared(
    select(operations.c.state, func.count())
    .where(operations.c.execution_id == bindparam("execution"))
    .group_by(operations.c.state)
)
_GRAPHS = Prepared(
    select(*columns_of(GraphRow, graph_rows))
    .where(graph_rows.c.execution_id == bindparam("execution"))
    .order_by(graph_rows.c.created_at, graph_rows.c.id)
)
_TASKS = Prepared(
    select(*_COLUMNS)
    .where(operations.c.execution_id == bindparam("execution"), operations.c.graph_id.is_not(None))
    .order_by(operations.c.created_at, operations.c.position, operations.c.id)
)
_GET = Prepared(select(*_COLUMNS).where(operations.c.id == bindparam("operation")))
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: operations.c[name]
    for name in (
        "id",
        "name",
        "state",
        "attempt",
        "created_at",
        "sent_at",
        "started_at",
        "ended_at",
        "graph_id",
    )
}


def grant(
    conn: Connection, wanted: Sequence[tuple[str, int, str, int]], worker: str, now: datetime
) -> set[str]:
    """Start those operations (execution id, term, operation id, attempt) that may start, and return their
    ids.

    Only an operation whose id is answered may get a process. The others' executions are over or being forced,
    have another owner, or the operation was revoked, or granted to another worker.
    """
    lock_executions(conn, {execution_id for execution_id, _, _, _ in wanted})
    asked = [
        _GRANT.ask(
            conn,
            operation=operation_id,
            execution=execution_id,
            which=attempt,
            current=term,
            by=worker,
            when=now,
        )
        for execution_id, term, operation_id, attempt in wanted
    ]
    granted = [_Subject(*row) for answer in asked for row in answer.all()]
    message = f"started on {worker}"
    insert_locked(conn, [_event(it, "task_started", f"{it.name} {message}", {}, now) for it in granted])
    return {subject.id for subject in granted}


def set_pid(conn: Connection, operation_id: str, attempt: int, pid: int) -> None:
    """Keep which process runs a started operation; nothing if it has ended already."""
    _SET_PID.run(conn, operation=operation_id, which=attempt, number=pid)


def end(
    conn: Connection,
    operation_id: str,
    attempt: int,
    *,
    state: OperationState,
    result: Any = None,
    failure: Mapping[str, Any] | None = None,
    updates: Sequence[Mapping[str, Any]] = (),
    now: datetime,
) -> EndResult:
    """Store how a started operation ended, with the runtime properties that it changed.

    ``state`` is SUCCEEDED, FAILED, or CANCELLED if it was revoked before its code began.
    ``updates`` are ``{"id", "version", "runtime_properties"}``: where one
    of these versions is not current any more, none is stored and the operation ends as failed, recoverably.
    """
    holding = ask_hold_of_operation(conn, operation_id)
    ending = _END.ask(
        conn,
        operation=operation_id,
        which=attempt,
        new_state=state,
        value=result,
        why=failure,
        when=now,
    )
    held_row, row = holding.first(), ending.first()
    if held_row is None:
        return EndResult(False, False, None, None)
    held = Held(*held_row)
    if row is None:
        return EndResult(False, False, held.status, held.id)
    subject = _Subject(*row)
    outdated = apply_updates(conn, held.tenant, held.deployment_id, updates) if updates else []
    if outdated:
        state = OperationState.FAILED
        failure = _failure(
            f"The runtime properties of {', '.join(outdated)} were changed by another operation or client "
            f"while {subject.name} ran; what it wrote to them was dropped.",
            "Conflict",
        )
        _FAIL_AFTER_ALL.run(conn, operation=operation_id, why=failure)
    task_counts.add(conn, held.id, finished=state in task_counts.FINISHED_STATES)
    insert_locked(conn, [_ended(subject, state, failure, now)])
    return EndResult(
        True, bool(outdated), held.status, held.id, dict(failure) if outdated and failure else None
    )


def lose(conn: Connection, operation_ids: Collection[str], message: str, now: datetime) -> list[Operation]:
    """Fail those that are still started, recoverably: their processes are not known any more. Return them."""
    ids = sorted(operation_ids)
    owners = [_OWNER.ask(conn, operation=id) for id in ids]
    lock_executions(conn, {row[0] for owner in owners for row in owner.all()})
    failure = _failure(message, "Lost")
    asked = [_LOSE.ask(conn, operation=id, why=failure, when=now) for id in ids]
    lost = [Operation(*row) for answer in asked for row in answer.all()]
    for operation in lost:
        task_counts.add(conn, operation.execution_id, finished=1)
    subjects = [_Subject(*(getattr(operation, name) for name in _Subject._fields)) for operation in lost]
    insert_locked(conn, [_ended(subject, OperationState.FAILED, failure, now) for subject in subjects])
    return lost


def running(conn: Connection, execution_id: str | None = None) -> list[Operation]:
    """Operations that are started and have not ended, of one execution or of all, oldest first."""
    if execution_id is None:
        return [Operation(*row) for row in _RUNNING.all(conn)]
    return [Operation(*row) for row in _RUNNING_OF.all(conn, execution=execution_id)]


def count_by_state(conn: Connection, execution_id: str) -> dict[OperationState, int]:
    """Return how many tasks of the execution are in each state; states without any are missing."""
    return dict(_COUNT.all(conn, execution=execution_id))


def graphs(conn: Connection, execution_id: str) -> list[tuple[GraphRow, list[Operation]]]:
    """Return the execution's stored graphs, each with its tasks, in the order in which they were stored."""
    tasks: dict[str | None, list[Operation]] = {}
    for row in _TASKS.all(conn, execution=execution_id):
        task = Operation(*row)
        tasks.setdefault(task.graph_id, []).append(task)
    stored = [GraphRow(*row) for row in _GRAPHS.all(conn, execution=execution_id)]
    return [(graph, tasks.get(graph.id, [])) for graph in stored]


def get(conn: Connection, id: str) -> Operation:
    row = _GET.first(conn, operation=id)
    if row is None:
        raise NotFound(f"There is no operation `{id}`.")
    return Operation(*row)


def listing(filter: OperationFilter) -> Listing:
    table = operations.c
    statement = select(*_COLUMNS).where(
        *one_of(
            {
                table.execution_id: None if filter.execution_id is None else [filter.execution_id],
                table.graph_id: None if filter.graph_id is None else [filter.graph_id],
                table.state: filter.states,
                table.kind: filter.kinds,
            }
        )
    )
    if filter.tenant is not None:
        statement = statement.join(executions, executions.c.id == table.execution_id).where(
            *seen(filter.tenant, executions)
        )
    if filter.residual:
        statement = statement.where(
            _STARTED, table.kind == OPERATION, is_any(executions.c.status, END_STATUSES)
        )
    return Listing(
        statement,
        sortable=_SORTABLE,
        default=(table.created_at, table.position),
        unique=(table.id,),
    )


def _failure(message: str, kind: str) -> JsonObject:
    """Return a recoverable failure without an exception, in the shape that a frame has."""
    return {"message": message, "recoverable": True, "retry_after": None, "kind": kind, "traceback": ""}


def _ended(
    subject: _Subject, state: OperationState, failure: Mapping[str, Any] | None, now: datetime
) -> Event:
    if state is OperationState.SUCCEEDED:
        return _event(subject, "task_succeeded", f"{subject.name} succeeded", {}, now)
    if state is OperationState.CANCELLED:
        return _event(subject, "task_cancelled", f"{subject.name} was revoked before it began", {}, now)
    details = dict(failure or {})
    place, causes = details.get("place") or "", details.pop("causes", None)
    reason = headline(details.get("kind") or "Exception", details["message"], place) if details else ""
    if causes:
        own = {"type": details.get("kind"), "message": details["message"]}
        details["error_causes"] = [{**own, "traceback": details.pop("traceback", "")}, *causes]
    message = f"{subject.name} failed: {reason or 'no reason was given'}"
    return _event(subject, "task_failed", message, details, now)


def _event(
    subject: _Subject, event_type: str, message: str, details: Mapping[str, Any], now: datetime
) -> Event:
    return Event(
        subject.execution_id,
        now,
        message,
        event_type=event_type,
        node_instance_id=subject.instance_id,
        source_id=subject.source_id,
        target_id=subject.target_id,
        operation=subject.name,
        operation_id=subject.id,
        details={"attempt": subject.attempt, "worker": subject.worker, **details},
    )
