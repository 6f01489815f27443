"""Taking turns on PostgreSQL, where several managers write at once. On SQLite every write is alone anyway.

The order is always the deployment's turn first, then executions by id, so that two writers rarely wait for
each other; if they do, PostgreSQL ends one of them and the store runs it again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ARRAY, Connection, Select, Table, Text, any_, bindparam, func, select

from cloudwright.model.execution import ExecutionStatus
from cloudwright.storage.prepared import Asked, Prepared
from cloudwright.storage.schema import executions, operations

Query = TypeVar("Query", bound=Select[Any])


class Held(NamedTuple):
    """What a verb must know of an execution whose row it holds until the commit."""

    id: str
    tenant: str
    deployment_id: str | None
    status: ExecutionStatus
    term: int


def lock_row(query: Query, of: Table | None = None) -> Query:
    """Return the query so that it locks the rows that it finds, or those of the table ``of``, until commit.

    Not FOR UPDATE: rows that refer to them may still be inserted meanwhile.
    """
    return query.with_for_update(key_share=True, of=of)


_HELD = select(*(executions.c[name] for name in Held._fields))
_HOLD = Prepared(lock_row(_HELD.where(executions.c.id == bindparam("execution"))))
_HOLD_OF_OPERATION = Prepared(
    lock_row(
        _HELD.join(operations, operations.c.execution_id == executions.c.id).where(
            operations.c.id == bindparam("operation")
        ),
        of=executions,
    )
)
_LOCK_EXECUTIONS = Prepared(
    lock_row(
        select(executions.c.id)
        .where(executions.c.id == any_(bindparam("ids", type_=ARRAY(Text))))
        .order_by(executions.c.id)
    )
)
_LOCK_DEPLOYMENT = Prepared(
    select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name", type_=Text), 0)))
)
_LOCK_DEPLOYMENT_OF = Prepared(
    select(
        func.pg_advisory_xact_lock(
            func.hashtextextended(executions.c.tenant + "/" + executions.c.deployment_id, 0)
        )
    ).where(executions.c.id == bindparam("execution"), executions.c.deployment_id.is_not(None))
)


def ask_hold_of_operation(conn: Connection, operation_id: str) -> Asked:
    """``hold`` for the execution of an operation: the row that is answered makes a ``Held``."""
    return _HOLD_OF_OPERATION.ask(conn, operation=operation_id)


def hold(conn: Connection, execution_id: str) -> Held | None:
    """The execution, which no other transaction changes from here to the commit. None if there is none."""
    row = _HOLD.first(conn, execution=execution_id)
    return None if row is None else Held(*row)


def lock_executions(conn: Connection, ids: Collection[str]) -> None:
    """``hold`` for many, if their contents are not needed."""
    if conn.dialect.name == "postgresql":
        _LOCK_EXECUTIONS.ask(conn, ids=list(ids))


def lock_deployment(conn: Connection, tenant: str, deployment_id: str | None) -> None:
    """From here to the commit no other transaction decides which execution of the deployment may run."""
    if deployment_id is not None and conn.dialect.name == "postgresql":
        _LOCK_DEPLOYMENT.ask(conn, name=f"{tenant}/{deployment_id}")


def lock_deployment_of(conn: Connection, execution_id: str) -> None:
    """``lock_deployment`` for the deployment of an execution."""
    if conn.dialect.name == "postgresql":
        _LOCK_DEPLOYMENT_OF.ask(conn, execution=execution_id)
