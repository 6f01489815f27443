"""Statements that never change, compiled once for each kind of database and run on the driver's own cursor.

A hot verb is a handful of them. Run by SQLAlchemy, SQLite's statements cost several times what SQLite itself
takes; that is most of what an operation costs the manager. What is composed for one call, as a list's
conditions are, is run by SQLAlchemy as usual. Both happen in the connection's one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.types import TypeDecorator

Converter = Callable[[Any], Any]
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement for one kind of database: its text, the parameters it fixes itself, and what must be
    converted.
    """

    sql: str
    constants: dict[str, Any]
    inward: tuple[tuple[str, Converter], ...]
    outward: tuple[tuple[int, Converter], ...]


class Prepared:
    """``statement`` has a ``bindparam`` wherever calls differ, and no list of values to expand.

    An INSERT takes the values of ``columns`` under their names.
    """

    def __init__(
        self, statement: Select[Any] | Insert | Update | Delete, columns: Sequence[str] | None = None
    ) -> None:
        self._statement = statement
        self._columns = columns
        self._forms: dict[str, _Form] = {}

    def run(self, conn: Connection, **parameters: Any) -> int:
        """How many rows it changed."""
        count: int = self._execute(conn, parameters)[1].rowcount
        return count

    def run_many(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for every row, in their order."""
        form, cursor = self._cursor(conn)
        if len(rows) == 1:
            cursor.execute(form.sql, _bound(form, rows[0]))  # psycopg's executemany is dear for one
        else:
            cursor.executemany(form.sql, [_bound(form, row) for row in rows])

    def first(self, conn: Connection, **parameters: Any) -> Row | None:
        form, cursor = self._execute(conn, parameters)
        row = cursor.fetchone()
        return None if row is None else _converted(form, row)

    def all(self, conn: Connection, **parameters: Any) -> list[Row]:
        form, cursor = self._execute(conn, parameters)
        return [_converted(form, row) for row in cursor.fetchall()]

    def _execute(self, conn: Connection, parameters: dict[str, Any]) -> tuple[_Form, Any]:
        form, cursor = self._cursor(conn)
        cursor.execute(form.sql, _bound(form, parameters))
        return form, cursor

    def _cursor(self, conn: Connection) -> tuple[_Form, Any]:
        if not conn.in_transaction():
            conn.begin()  # as any statement run by SQLAlchemy does
        form = self._forms.get(conn.dialect.name)
        if form is None:
            form = self._forms[conn.dialect.name] = self._compile(conn.dialect)
        return form, conn.connection.cursor()

    def _compile(self, dialect: Dialect) -> _Form:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._columns)
        inward: list[tuple[str, Converter]] = []
        constants: dict[str, Any] = {}
        for name, bind in compiled.binds.items():
            convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if not bind.required:
                constants[name] = bind.value if convert is None else convert(bind.value)
            elif convert is not None:
                inward.append((name, convert))
        outward: list[tuple[int, Converter]] = []
        for place, column in enumerate(self._statement.exported_columns):
            if not isinstance(column.type, TypeDecorator) and dialect.name != "sqlite":
                continue  # psycopg answers Python's own types
            convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if convert is not None:
                outward.append((place, convert))
        return _Form(str(compiled), constants, tuple(inward), tuple(outward))


def _bound(form: _Form, given: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {**form.constants, **given}
    for name, convert in form.inward:
        parameters[name] = convert(parameters[name])
    return parameters


def _converted(form: _Form, row: Row) -> Row:
    if not form.outward:
        return row
    values = list(row)
    for place, convert in form.outward:
        values[place] = convert(values[place])
    return tuple(values)
