"""Statements that never change, compiled once for each kind of database and run on the driver's own cursor.

A hot verb is a handful of them. Run by SQLAlchemy, SQLite's statements cost several times what SQLite itself
takes; that is most of what an operation costs the manager. What is composed for one call, as a list's
conditions are, is run by SQLAlchemy as usual. Both happen in the connection's one transaction.

The writer of PostgreSQL sends statements without waiting for the answers of those before (a pipeline). A verb
is quick there that asks for all that it wants to know, and then reads: the first to read waits for all. An
error is raised wherever the next answer is read, at the latest by the commit.
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
    """A statement for one kind of database: its text, the names of its parameters, those it fixes itself,
    what must be converted, and whether its answer is there at once.
    """

    sql: str
    names: frozenset[str]
    constants: dict[str, Any]
    inward: tuple[tuple[str, Converter], ...]
    outward: tuple[tuple[int, Converter], ...]
    at_once: bool


class Asked:
    """A statement that was handed over; its answer may still be on its way."""

    __slots__ = ("_cursor", "_form", "_rows")

    def __init__(self, form: _Form, cursor: Any) -> None:
        self._form = form
        self._cursor = cursor
        # SQLite has answered already, and compiles a statement again while an earlier answer is not read.
        self._rows: list[Row] | None = cursor.fetchall() if form.at_once else None

    def all(self) -> list[Row]:
        if self._rows is None:
            self._rows = self._cursor.fetchall()
        return [_converted(self._form, row) for row in self._rows]

    def first(self) -> Row | None:
        rows = self.all()
        return rows[0] if rows else None


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

    def ask(self, conn: Connection, **parameters: Any) -> Asked:
        """Hand it over, and read its answer later."""
        form, cursor = self._cursor(conn)
        cursor.execute(form.sql, _bound(form, parameters))
        return Asked(form, cursor)

    def run(self, conn: Connection, **parameters: Any) -> None:
        """Hand it over. To know whether it changed something, add RETURNING."""
        form, cursor = self._cursor(conn)
        cursor.execute(form.sql, _bound(form, parameters))

    def run_many(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for every row, in their order."""
        form, cursor = self._cursor(conn)
        if len(rows) == 1:
            cursor.execute(form.sql, _bound(form, rows[0]))  # psycopg's executemany is dear for one
        else:
            cursor.executemany(form.sql, [_bound(form, row) for row in rows])

    def first(self, conn: Connection, **parameters: Any) -> Row | None:
        return self.ask(conn, **parameters).first()

    def all(self, conn: Connection, **parameters: Any) -> list[Row]:
        return self.ask(conn, **parameters).all()

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
                continue  # psycopg returns Python's own types
            convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if convert is not None:
                outward.append((place, convert))
        return _Form(
            str(compiled),
            frozenset(compiled.binds),
            constants,
            tuple(inward),
            tuple(outward),
            dialect.name == "sqlite",
        )


def _bound(form: _Form, given: Mapping[str, Any]) -> dict[str, Any]:
    # A driver passes over what the statement has no place for, and the value would be lost.
    if not form.names.issuperset(given):
        unknown = ", ".join(sorted(given.keys() - form.names))
        raise ValueError(f"the statement has no parameter {unknown}: {form.sql}")
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
