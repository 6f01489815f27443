"""Expressions that the declarations of several resources share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, literal_column, null

from cloudwright.model.execution import END_STATUSES
from cloudwright.model.operation import OperationState
from cloudwright.storage.columns import is_, is_any
from cloudwright.storage.schema import executions, operations


def constant(value: str) -> ColumnElement[str]:
    """Return a text written out in the statement."""
    return literal_column(f"'{value}'", Text)


NULL: ColumnElement[Any] = null()
#: The execution has ended.
OVER = is_any(executions.c.status, END_STATUSES)
#: The operation runs, as far as is known.
STARTED = is_(operations.c.state, OperationState.STARTED)
