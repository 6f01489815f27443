"""A page of a list as the JSON text that clients are sent, made by the database.

Made in Python, from rows by way of records, a list of a thousand takes twice the processor time, most of it
with the interpreter's lock held: everything else that the manager does would wait. The database makes the
same text without that lock, and answers it as one row: after every row that a driver fetches, its thread has
to get the lock back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    FromClause,
    Text,
    case,
    func,
    literal_column,
    select,
    type_coerce,
)

from cloudwright.storage.columns import Json, UtcDateTime
from cloudwright.storage.paging import Listing, Page

Column = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class JsonMember:
    """The text that a ``PlainJson``, an object, has under a name; ``otherwise`` where it has none."""

    document: Column
    name: str
    otherwise: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ListOfOne:
    """A list of one object where the condition holds; null elsewhere."""

    condition: ColumnElement[bool]
    fields: Mapping[str, Column | JsonMember]


Expression = Column | JsonMember | ListOfOne


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """The fields of a JSON object, in their order, each with where its value is found.

    ``beside`` are tables that a list's rows are joined to, with the condition; a row has one match at most.
    """

    fields: Mapping[str, Expression]
    beside: tuple[tuple[FromClause, ColumnElement[bool]], ...] = ()


@dataclass(frozen=True, slots=True)
class JsonPage:
    """``items`` are ``count`` JSON objects with commas between them; on all pages there are ``total``."""

    items: str
    count: int
    total: int


def json_page(
    conn: Connection, listing: Listing, projection: Projection, chosen: Collection[str] | None, page: Page
) -> JsonPage:
    """The page's records as JSON; ``chosen`` are the fields that are wanted, None is all of them.

    Raises InvalidInput for a column that the list cannot be sorted by.
    """
    statement = listing.statement
    for table, condition in projection.beside:
        statement = statement.outerjoin(table, condition)
    dialect = _DIALECTS[conn.dialect.name]
    wanted = {
        name: expression for name, expression in projection.fields.items() if chosen is None or name in chosen
    }
    fields = _values(dialect, wanted)
    columns = statement.with_only_columns(*dialect.columns(fields), maintain_column_froms=True)
    rows = listing.page_of(columns, page).subquery("page")
    aggregated = select(dialect.aggregate(rows), func.count()).select_from(rows)
    items, count = conn.execute(aggregated).one()
    return JsonPage(items or "", count, listing.total(conn, page, count))


def _values(dialect: _JsonDialect, fields: Mapping[str, Expression]) -> dict[str, Column]:
    return {name: dialect.value(expression) for name, expression in fields.items()}


def _with_default(value: Column, member: JsonMember) -> Column:
    if member.otherwise is None:
        return value
    return func.coalesce(value, literal_column(f"'{member.otherwise}'"))


class _JsonDialect(Protocol):
    """How one kind of database words JSON."""

    def value(self, expression: Expression) -> Column: ...

    def columns(self, fields: Mapping[str, Column]) -> list[Column]:
        """What each row of a page is selected as."""
        ...

    def aggregate(self, rows: FromClause) -> Column:
        """The objects of such rows, with commas between them; NULL where there are none."""
        ...


class _SqliteJson:
    """Times are texts of one width there, in UTC, and truth is a number."""

    def value(self, expression: Expression) -> Column:
        if isinstance(expression, ListOfOne):
            return case(
                (expression.condition, func.json_array(self._object(_values(self, expression.fields))))
            )
        if isinstance(expression, JsonMember):
            path: Column = literal_column(f"'$.{expression.name}'")
            return _with_default(func.json_extract(type_coerce(expression.document, Text), path), expression)
        if isinstance(expression.type, UtcDateTime):
            return func.substr(type_coerce(expression, Text), 1, 23).concat(literal_column("'Z'"))
        if isinstance(expression.type, Json):
            return func.json(type_coerce(expression, Text))
        if isinstance(expression.type, Boolean):
            return func.json(func.iif(expression, literal_column("'true'"), literal_column("'false'")))
        return expression

    def columns(self, fields: Mapping[str, Column]) -> list[Column]:
        return [self._object(fields).label("item")]

    def aggregate(self, rows: FromClause) -> Column:
        return func.group_concat(rows.c.item, type_=Text)

    def _object(self, fields: Mapping[str, Column]) -> Column:
        named = chain.from_iterable((literal_column(f"'{name}'"), value) for name, value in fields.items())
        return func.json_object(*named, type_=Text)


class _PostgresqlJson:
    """``row_to_json`` alone makes JSON without spaces, from a row's names and values."""

    def value(self, expression: Expression) -> Column:
        if isinstance(expression, ListOfOne):
            inner = (
                select(*self.columns(_values(self, expression.fields)))
                .correlate_except(None)
                .lateral("inner")
            )
            item = select(func.row_to_json(literal_column('"inner"'))).select_from(inner).scalar_subquery()
            return case((expression.condition, func.json_build_array(item)))
        if isinstance(expression, JsonMember):
            return _with_default(
                self._json(expression.document).op("->>")(literal_column(f"'{expression.name}'")), expression
            )
        if isinstance(expression.type, UtcDateTime):
            words: Column = literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'""")
            return func.to_char(func.timezone(literal_column("'UTC'"), expression), words, type_=Text)
        if isinstance(expression.type, Json):
            return self._json(expression)
        return expression

    def columns(self, fields: Mapping[str, Column]) -> list[Column]:
        return [value.label(name) for name, value in fields.items()]

    def aggregate(self, rows: FromClause) -> Column:
        item = func.row_to_json(literal_column("page")).cast(Text)
        return func.string_agg(item, literal_column("','"), type_=Text)

    def _json(self, document: Column) -> Column:
        return type_coerce(document, Text).op("::", precedence=15)(literal_column("json"))


_DIALECTS: dict[str, _JsonDialect] = {"sqlite": _SqliteJson(), "postgresql": _PostgresqlJson()}
