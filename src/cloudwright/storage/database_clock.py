"""The database's clock, in statements: the only one that all managers of a database share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Float, bindparam, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from cloudwright.storage.columns import UtcDateTime


class _DatabaseTime(FunctionElement[Any]):
    """What the database's clock shows when the statement is run, and so many seconds later."""

    type = UtcDateTime()
    inherit_cache = True
    name = "database_time"


def database_time(after: str | None = None) -> ColumnElement[Any]:
    """Return the time of the database; ``after`` names the parameter with the seconds to add."""
    seconds = literal(0.0, Float) if after is None else bindparam(after, type_=Float)
    return _DatabaseTime(seconds)


@compiles(_DatabaseTime, "postgresql")
def _on_postgresql(element: _DatabaseTime, compiler: SQLCompiler, **options: Any) -> str:
    # Not now(), which is when the transaction began.
    seconds = compiler.process(element.clauses, **options)
    return f"(clock_timestamp() + make_interval(secs => {seconds}))"


@compiles(_DatabaseTime, "sqlite")
def _on_sqlite(element: _DatabaseTime, compiler: SQLCompiler, **options: Any) -> str:
    # As ``UtcDateTime`` writes times there.
    seconds = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now', {seconds} || ' seconds')"
