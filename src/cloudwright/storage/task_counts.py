"""How many tasks each execution has, and how many of them succeeded or failed.

Counting the rows of a large execution takes milliseconds, and every look at it would count them again. So the
verbs that add or change tasks say by how much (``add``), and the writer adds that to the execution's row of
counts, once for each transaction (``flush``).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ARRAY, Connection, Text, any_, bindparam, func, insert, select, update

from cloudwright.model.operation import OperationState
from cloudwright.storage.columns import is_any
from cloudwright.storage.prepared import Asked, Prepared
from cloudwright.storage.schema import operations, task_counts

#: States of a task that count as finished. A task that is sent again is not finished any more.
FINISHED_STATES = frozenset({OperationState.SUCCEEDED, OperationState.FAILED})


class TaskCounts(NamedTuple):
    total: int = 0
    finished: int = 0


_CHANGES = "cloudwright.task_counts"
_INSERT = Prepared(insert(task_counts), ("execution_id",))
_ADD = Prepared(
    update(task_counts)
    .where(task_counts.c.execution_id == bindparam("execution"))
    .values(
        total=task_counts.c.total + bindparam("more"),
        finished=task_counts.c.finished + bindparam("more_finished"),
    )
)
_GET = Prepared(
    select(task_counts.c.total, task_counts.c.finished).where(
        task_counts.c.execution_id == bindparam("execution")
    )
)
_COUNT_FINISHED = select(func.count()).where(is_any(operations.c.state, FINISHED_STATES))
_FINISHED_AMONG = {
    "postgresql": Prepared(
        _COUNT_FINISHED.where(operations.c.id == any_(bindparam("ids", type_=ARRAY(Text))))
    ),
    "sqlite": Prepared(
        _COUNT_FINISHED.where(
            operations.c.id.in_(select(func.json_each(bindparam("ids")).table_valued("value").c.value))
        )
    ),
}


def begin(conn: Connection, execution_id: str) -> None:
    """Store that a new execution has no tasks yet."""
    _INSERT.run(conn, execution_id=execution_id)


def add(conn: Connection, execution_id: str, *, total: int = 0, finished: int = 0) -> None:
    """Add to the counts of an execution when the transaction is committed."""
    if total or finished:
        changes = conn.info.setdefault(_CHANGES, {})
        before = changes.get(execution_id, TaskCounts())
        changes[execution_id] = TaskCounts(before.total + total, before.finished + finished)


def flush(conn: Connection) -> None:
    """Store what was added in this transaction."""
    changes: dict[str, TaskCounts] | None = conn.info.pop(_CHANGES, None)
    if changes:
        # In the order in which executions are locked.
        _ADD.run_many(
            conn,
            [
                {"execution": id, "more": more.total, "more_finished": more.finished}
                for id, more in sorted(changes.items())
            ],
        )


def drop(conn: Connection) -> None:
    """Forget what was added in a transaction that was rolled back."""
    conn.info.pop(_CHANGES, None)


def get(conn: Connection, execution_id: str) -> TaskCounts:
    row = _GET.first(conn, execution=execution_id)
    return TaskCounts() if row is None else TaskCounts(*row)


def ask_finished_among(conn: Connection, task_ids: Collection[str]) -> Asked:
    """Count those of the tasks that are finished; the row that is returned holds the number."""
    name = conn.dialect.name
    ids = list(task_ids)
    return _FINISHED_AMONG[name].ask(conn, ids=ids if name == "postgresql" else json.dumps(ids))
