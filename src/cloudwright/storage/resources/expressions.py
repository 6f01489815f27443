"""Expressions that the declarations of several resources share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, literal_column, null, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from cloudwright.model.execution import END_STATUSES
from cloudwright.model.operation import OperationState
from cloudwright.storage.columns import is_, is_any
from cloudwright.storage.schema import executions, operations


def constant(value: str) -> ColumnElement[str]:
    """Return a text written out in the statement."""
    return literal_column(f"'{value}'", Text)


class JsonText(FunctionElement[str]):
    """The text of a member of a document; NULL if it has none of that name."""

    type = Text()
    inherit_cache = True
    name = "json_text"

    def __init__(self, document: ColumnElement[Any], member: str) -> None:
        super().__init__(type_coerce(document, Text), constant(member))


@compiles(JsonText, "sqlite")
@compiles(JsonText, "postgresql")
def _json_text(element: JsonText, compiler: SQLCompiler, **more: Any) -> str:
    document, member = (compiler.process(clause, **more) for clause in element.clauses)
    return (
        f"({document}::json ->> {member})"
        if compiler.dialect.name == "postgresql"
        else (f"({document} ->> {member})")
    )


NULL: ColumnElement[Any] = null()
#: The execution has ended.
OVER = is_any(executions.c.status, END_STATUSES)
#: The operation runs, as far as is known.
STARTED = is_(operations.c.state, OperationState.STARTED)
