"""Rows of executions as the verbs of this package share them."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from cloudwright.errors import NotFound
from cloudwright.storage.columns import unindexed
from cloudwright.storage.locks import lock_deployment_of, lock_row
from cloudwright.storage.manager_queries import EXECUTION_COLUMNS
from cloudwright.storage.prepared import Prepared, Row
from cloudwright.storage.records import Execution
from cloudwright.storage.schema import executions

this_execution = executions.c.id == bindparam("execution")
current_status = unindexed(executions.c.status)
_HOLD = Prepared(lock_row(select(*EXECUTION_COLUMNS).where(this_execution)))


def hold(conn: Connection, id: str) -> Execution:
    """Lock the execution and its deployment until commit. Raises NotFound."""
    lock_deployment_of(conn, id)
    row = _HOLD.first(conn, execution=id)
    if row is None:
        raise NotFound(f"There is no execution `{id}`.")
    return Execution(*row)


def record(row: Row | None) -> Execution:
    """Return the record of a guarded UPDATE on a row that this transaction holds: its guard cannot fail."""
    assert row is not None
    return Execution(*row)
