"""The journal of a workflow's process: graphs, tasks, operations to run, states and events.

A journal applies only while the execution is active under its owner's term. A frame is one call, and its
entries are stored one kind at a time. The order of kinds is that in which their rows depend on each other:
graphs, tasks, states of tasks, states and system properties of node instances, operations to run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import compress
from typing import Any

from sqlalchemy import Boolean, Connection, and_, bindparam, insert, or_, select, update

from cloudwright.errors import InvalidInput, StaleTerm
from cloudwright.model.event import EVENT, LOG, Event, reported_type
from cloudwright.model.execution import ACTIVE_STATUSES, GRANTING_STATUSES, ExecutionStatus
from cloudwright.model.operation import OPERATION_ENDS, OperationState
from cloudwright.storage import instance_health, task_counts
from cloudwright.storage.columns import is_, is_any, unindexed
from cloudwright.storage.events import insert_locked
from cloudwright.storage.instances import set_states
from cloudwright.storage.locks import Held, hold
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import OPERATION, JournalResult, JsonObject
from cloudwright.storage.schema import graphs, operations

_INSERT_GRAPH = Prepared(insert(graphs), ("id", "execution_id", "name", "created_at"))
_TASK_COLUMNS = (
    "id",
    "execution_id",
    "graph_id",
    "position",
    "name",
    "kind",
    "state",
    "attempt",
    "term",
    "depends_on",
    "parameters",
    "plugin",
    "executor",
    "instance_id",
    "source_id",
    "target_id",
    "created_at",
    "sent_at",
)
_INSERT_TASKS = Prepared(insert(operations), _TASK_COLUMNS)
_SET_TASK = Prepared(
    update(operations)
    .where(
        operations.c.id == bindparam("task"),
        unindexed(operations.c.execution_id) == bindparam("execution"),
        # An operation that was sent or started is its worker's; one that succeeded stays so.
        or_(
            operations.c.kind != OPERATION,
            and_(
                is_any(
                    operations.c.state,
                    {OperationState.PENDING, OperationState.FAILED, OperationState.CANCELLED},
                ),
                bindparam("not_a_workers", type_=Boolean),
            ),
        ),
    )
    .values(
        state=bindparam("new_state"),
        result=bindparam("value"),
        started_at=bindparam("began"),
        ended_at=bindparam("ended"),
    )
)
_SENDING = (
    update(operations)
    .where(
        operations.c.id == bindparam("operation"),
        unindexed(operations.c.execution_id) == bindparam("execution"),
        operations.c.kind == OPERATION,
    )
    .values(
        state=OperationState.SENT,
        attempt=bindparam("which"),
        term=bindparam("current"),
        parameters=bindparam("what"),
        sent_at=bindparam("when"),
        started_at=None,
        ended_at=None,
        result=None,
        failure=None,
        worker=None,
        pid=None,
    )
    .returning(operations.c.id)
)
_SEND = Prepared(
    _SENDING.where(
        operations.c.attempt <= bindparam("which"),
        or_(
            is_any(operations.c.state, {OperationState.PENDING, OperationState.CANCELLED}),
            # Sent by an earlier owner and never granted: that owner can not grant it any more.
            and_(is_(operations.c.state, OperationState.SENT), operations.c.term < bindparam("current")),
        ),
    )
)
_SEND_AGAIN = Prepared(
    _SENDING.where(operations.c.attempt < bindparam("which"), is_(operations.c.state, OperationState.FAILED))
)
_STATE = Prepared(select(operations.c.state).where(operations.c.id == bindparam("operation")))


def apply(
    conn: Connection,
    execution_id: str,
    term: int,
    entries: Sequence[Sequence[Any]],
    now: datetime,
    *,
    aware: bool = False,
) -> JournalResult:
    """Apply the entries of a frame: ``[kind, ...]`` each (docs/concepts/frames.md).

    ``aware`` is whether the workflow's process knew of the request to cancel when it sent the frame. Raises
    StaleTerm, and InvalidInput for an entry of an unknown kind.
    """
    held = _own(conn, execution_id, term)
    by_kind: dict[str, list[Sequence[Any]]] = {kind: [] for kind in (*_STORE, "run")}
    reports: list[Event] = []
    for kind, *arguments in entries:
        if kind in _REPORT:
            reports.append(_REPORT[kind](execution_id, arguments[0], now))
        elif kind in by_kind:
            by_kind[kind].append(arguments)
        else:
            raise InvalidInput(
                f"The journal of execution `{execution_id}` has an entry of unknown kind `{kind}`."
            )
    for kind, store in _STORE.items():
        if by_kind[kind]:
            store(conn, held, by_kind[kind], now)
    insert_locked(conn, reports)
    wanted = [operation for (operation,) in by_kind["run"]]
    is_sent = _send(conn, held, wanted, now, aware)
    return JournalResult(
        list(compress(wanted, is_sent)),
        [operation["id"] for operation, sent in zip(wanted, is_sent, strict=True) if not sent],
    )


def _own(conn: Connection, execution_id: str, term: int) -> Held:
    held = hold(conn, execution_id)
    if held is None or held.term != term or held.status not in ACTIVE_STATUSES:
        found = (
            "it does not exist" if held is None else f"its term is {held.term} and its status `{held.status}`"
        )
        raise StaleTerm(
            f"Execution `{execution_id}` is not owned under term {term} any more: {found}. "
            "Nothing was stored."
        )
    return held


def _store_graphs(conn: Connection, held: Held, entries: Sequence[Sequence[Any]], now: datetime) -> None:
    for graph_id, name, tasks in entries:
        _INSERT_GRAPH.run(conn, id=graph_id, execution_id=held.id, name=name, created_at=now)
        _add_tasks(conn, held, [(graph_id, tasks)], now)


def _add_tasks(conn: Connection, held: Held, entries: Sequence[Sequence[Any]], now: datetime) -> None:
    for graph_id, tasks in entries:
        if tasks:
            rows = [_task(held.id, graph_id, position, task, now) for position, task in enumerate(tasks)]
            _INSERT_TASKS.run_many(conn, rows)
            task_counts.add(conn, held.id, total=len(rows))


def _set_tasks(conn: Connection, held: Held, entries: Sequence[Sequence[Any]], now: datetime) -> None:
    ids = {id for id, _, _ in entries}
    before = task_counts.ask_finished_among(conn, ids)
    _SET_TASK.run_many(conn, [_task_change(held.id, id, state, result, now) for id, state, result in entries])
    after = task_counts.ask_finished_among(conn, ids)
    [[finished_before]], [[finished_after]] = before.all(), after.all()
    task_counts.add(conn, held.id, finished=finished_after - finished_before)


def _set_states(conn: Connection, held: Held, entries: Sequence[Sequence[Any]], now: datetime) -> None:
    set_states(conn, held.tenant, held.deployment_id, [(id, state) for id, state in entries])


def _put_system(conn: Connection, held: Held, entries: Sequence[Sequence[Any]], now: datetime) -> None:
    instance_health.put(conn, held.tenant, held.deployment_id, [(id, values) for id, values in entries])


def _task(
    execution_id: str, graph_id: str | None, position: int, task: JsonObject, now: datetime
) -> dict[str, Any]:
    parameters = task.get("parameters") or {}
    described = parameters if task["kind"] == OPERATION else {}
    return {
        "id": task["id"],
        "execution_id": execution_id,
        "graph_id": graph_id,
        "position": position,
        "name": task["name"],
        "kind": task["kind"],
        "state": OperationState.PENDING,
        "attempt": 0,
        "term": 0,
        "depends_on": task.get("depends_on") or [],
        "parameters": parameters,
        "plugin": described.get("plugin"),
        "executor": described.get("executor"),
        "instance_id": described.get("instance"),
        "source_id": described.get("source"),
        "target_id": described.get("target"),
        "created_at": now,
        "sent_at": None,
    }


def _task_change(execution_id: str, task_id: str, state: str, result: Any, now: datetime) -> dict[str, Any]:
    new = OperationState(state)
    return {
        "task": task_id,
        "execution": execution_id,
        "new_state": new,
        "not_a_workers": new not in {OperationState.SENT, OperationState.STARTED},
        "value": result,
        "began": now if new is OperationState.STARTED else None,
        "ended": now if new in OPERATION_ENDS else None,
    }


def _send(
    conn: Connection, held: Held, wanted: Sequence[JsonObject], now: datetime, aware: bool
) -> list[bool]:
    """Store the operations as sent; returns, for each in order, whether it is to be run."""
    if held.status not in GRANTING_STATUSES:
        return [False] * len(wanted)
    if held.status is ExecutionStatus.CANCELLING and not aware:
        # They were sent before the workflow saw the request to cancel, and it may not want them any more.
        return [False] * len(wanted)
    updates = [_SEND.ask(conn, **_sending(held, operation, now)) for operation in wanted]
    return [
        update.first() is not None or _send_other(conn, held, operation, now)
        for update, operation in zip(updates, wanted, strict=True)
    ]


def _sending(held: Held, operation: JsonObject, now: datetime) -> dict[str, Any]:
    return {
        "operation": operation["id"],
        "execution": held.id,
        "which": operation["attempt"],
        "current": held.term,
        "what": operation,
        "when": now,
    }


def _send_other(conn: Connection, held: Held, operation: JsonObject, now: datetime) -> bool:
    """Send an operation that failed once more, or insert a new one as sent; returns whether it was sent."""
    stored = _STATE.first(conn, operation=operation["id"])
    if stored is None:
        _insert_sent(conn, held, operation, now)
        return True
    again = _SEND_AGAIN.first(conn, **_sending(held, operation, now)) is not None
    task_counts.add(conn, held.id, finished=-again)
    return again


def _insert_sent(conn: Connection, held: Held, operation: JsonObject, now: datetime) -> None:
    id, name = operation["id"], operation["name"]
    task = {"id": id, "name": name, "kind": OPERATION, "parameters": operation}
    row = _task(held.id, operation.get("graph_id"), 0, task, now)
    row |= {
        "state": OperationState.SENT,
        "attempt": operation["attempt"],
        "term": held.term,
        "sent_at": now,
    }
    _INSERT_TASKS.run(conn, **row)
    task_counts.add(conn, held.id, total=1)


def _event(execution_id: str, entry: JsonObject, now: datetime) -> Event:
    return Event(
        execution_id,
        now,
        str(entry.get("message") or ""),
        kind=EVENT,
        event_type=reported_type(entry.get("event_type")),
        node_instance_id=entry.get("node_instance_id"),
        operation=entry.get("operation"),
        operation_id=entry.get("operation_id"),
        details=entry.get("details") or {},
    )


def _log(execution_id: str, entry: JsonObject, now: datetime) -> Event:
    return Event(
        execution_id,
        now,
        str(entry.get("message") or ""),
        kind=LOG,
        level=entry.get("level"),
        logger=entry.get("logger"),
        node_instance_id=entry.get("node_instance_id"),
        operation=entry.get("operation"),
    )


_Store = Callable[[Connection, Held, Sequence[Sequence[Any]], datetime], None]
#: How entries of a kind are stored, in the order in which kinds are applied.
_STORE: dict[str, _Store] = {
    "graph": _store_graphs,
    "tasks": _add_tasks,
    "task": _set_tasks,
    "state": _set_states,
    "system": _put_system,
}
_REPORT: dict[str, Callable[[str, JsonObject, datetime], Event]] = {"event": _event, "log": _log}
