"""Records as the JSON text that clients receive, made by the database: a page of a list, or a single one.

Made in Python, from rows by way of records, a list of a thousand takes twice the processor time, most of it
with the interpreter's lock held: everything else that the manager does would wait. The database makes the
same text without that lock, and returns a page as one row: after every row that a driver fetches, its thread
has to get the lock back.
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
    Select,
    Text,
    case,
    func,
    literal_column,
    select,
    type_coerce,
)

from cloudwright.storage.columns import Json, UtcDateTime
from cloudwright.storage.paging import Listing, Page
from cloudwright.storage.prepared import Prepared

Column = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class JsonMember:
    """The text under a name in a ``PlainJson`` object; ``otherwise`` if there is none."""

    document: Column
    name: str
    otherwise: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ListOfOne:
    """A list of one object if the condition holds, else null."""

    condition: ColumnElement[bool]
    fields: Mapping[str, Column | JsonMember]


@dataclass(frozen=True, slots=True, eq=False)
class JsonList:
    """The list under a name in a ``PlainJson`` object, on the condition of ``otherwise``, which is taken if
    there is none.
    """

    document: Column
    name: str
    otherwise: ListOfOne


Expression = Column | JsonMember | ListOfOne | JsonList


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """The fields of a JSON object, in their order, each with the expression of its value.

    ``beside`` are tables that a list's rows are joined to, with the condition; a row has one match at most.
    """

    fields: Mapping[str, Expression]
    beside: tuple[tuple[FromClause, ColumnElement[bool]], ...] = ()


@dataclass(frozen=True, slots=True)
class JsonPage:
    """A page as ``count`` JSON objects, separated by commas; all pages together have ``total``."""

    items: str
    count: int
    total: int


def json_page(
    conn: Connection, listing: Listing, projection: Projection, chosen: Collection[str] | None, page: Page
) -> JsonPage:
    """Read a page of records as JSON; ``chosen`` are the wanted fields, None means all of them.

    Raises InvalidInput for a column that the list cannot be sorted by.
    """
    dialect = _DIALECTS[conn.dialect.name]
    columns = _with_fields(dialect, listing.statement, projection, chosen)
    rows = listing.page_of(columns, page).subquery("page")
    aggregated = select(dialect.aggregate(rows), func.count()).select_from(rows)
    items, count = conn.execute(aggregated).one()
    return JsonPage(items or "", count, listing.total(conn, page, count))


class JsonRecords:
    """Records found by a statement with ``bindparam``s, as JSON texts.

    They have the fields of the projection, so a single record says what its list says. ``beside`` names
    fields whose values are returned before the text. Without a choice of fields the statement is compiled
    once.
    """

    def __init__(
        self,
        projection: Projection,
        statement: Select[Any],
        *,
        beside: tuple[str, ...] = (),
    ) -> None:
        self._projection = projection
        self._statement = statement
        self._beside = beside
        self._whole = {name: Prepared(self._select(dialect, None)) for name, dialect in _DIALECTS.items()}

    def first(
        self, conn: Connection, chosen: Collection[str] | None = None, **parameters: Any
    ) -> tuple[Any, ...] | None:
        """Return the values beside the first record and its JSON, or None if there is no record.

        A record of ``chosen`` fields has nothing beside it.
        """
        name = conn.dialect.name
        if chosen is None:
            return self._whole[name].first(conn, **parameters)
        row = conn.execute(self._select(_DIALECTS[name], chosen), parameters).first()
        return None if row is None else tuple(row)

    def json(self, conn: Connection, chosen: Collection[str] | None = None, **parameters: Any) -> str | None:
        """Return the JSON of the first record, or None if there is no record."""
        row = self.first(conn, chosen, **parameters)
        return None if row is None else str(row[-1])

    def all(self, conn: Connection, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return the values beside each record and its JSON, in no certain order."""
        return self._whole[conn.dialect.name].all(conn, **parameters)

    def _select(self, dialect: _JsonDialect, chosen: Collection[str] | None) -> Select[Any]:
        beside = self._beside if chosen is None else ()
        rows = _with_fields(dialect, self._statement, self._projection, chosen, beside).subquery("page")
        return select(*(rows.c[name] for name in beside), dialect.item(rows)).select_from(rows)


def _with_fields(
    dialect: _JsonDialect,
    statement: Select[Any],
    projection: Projection,
    chosen: Collection[str] | None,
    beside: Collection[str] = (),
) -> Select[Any]:
    """Make the statement select the fields of the projection from its rows and what they are joined to."""
    for table, condition in projection.beside:
        statement = statement.outerjoin(table, condition)
    wanted = {
        name: dialect.value(expression)
        for name, expression in projection.fields.items()
        if chosen is None or name in chosen
    }
    columns = dialect.columns(wanted, beside)
    return statement.with_only_columns(*columns, maintain_column_froms=True)


def _values(dialect: _JsonDialect, fields: Mapping[str, Expression]) -> dict[str, Column]:
    return {name: dialect.value(expression) for name, expression in fields.items()}


def _with_default(value: Column, member: JsonMember) -> Column:
    if member.otherwise is None:
        return value
    return func.coalesce(value, literal_column(f"'{member.otherwise}'"))


class _JsonDialect(Protocol):
    """How one kind of database words JSON."""

    def value(self, expression: Expression) -> Column: ...

    def columns(self, fields: Mapping[str, Column], beside: Collection[str] = ()) -> list[Column]:
        """Return the columns to select from each row, those named by ``beside`` under their own names."""
        ...

    def item(self, rows: FromClause) -> Column:
        """Return the JSON object of one such row."""
        ...

    def aggregate(self, rows: FromClause) -> Column:
        """Return the objects of such rows, separated by commas; NULL if there are none."""
        ...


class _SqliteJson:
    """Times are texts of one width there, in UTC, and truth is a number."""

    def value(self, expression: Expression) -> Column:
        if isinstance(expression, ListOfOne):
            return case(
                (expression.condition, func.json_array(self._object(_values(self, expression.fields))))
            )
        if isinstance(expression, JsonList):
            place: Column = literal_column(f"'$.{expression.name}'")
            stored = func.json_extract(type_coerce(expression.document, Text), place)
            # What a function returns is a text to the next one, but for `json`.
            found = func.json(func.coalesce(stored, self.value(expression.otherwise)))
            return case((expression.otherwise.condition, found))
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

    def columns(self, fields: Mapping[str, Column], beside: Collection[str] = ()) -> list[Column]:
        return [self._object(fields).label("item"), *(fields[name].label(name) for name in beside)]

    def item(self, rows: FromClause) -> Column:
        return rows.c.item

    def aggregate(self, rows: FromClause) -> Column:
        return func.group_concat(self.item(rows), type_=Text)

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
        if isinstance(expression, JsonList):
            stored = self._json(expression.document).op("->")(literal_column(f"'{expression.name}'"))
            found = func.coalesce(stored, self.value(expression.otherwise))
            return case((expression.otherwise.condition, found))
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

    def columns(self, fields: Mapping[str, Column], beside: Collection[str] = ()) -> list[Column]:
        return [value.label(name) for name, value in fields.items()]

    def item(self, rows: FromClause) -> Column:
        return func.row_to_json(literal_column("page")).cast(Text)

    def aggregate(self, rows: FromClause) -> Column:
        return func.string_agg(self.item(rows), literal_column("','"), type_=Text)

    def _json(self, document: Column) -> Column:
        return type_coerce(document, Text).op("::", precedence=15)(literal_column("json"))


_DIALECTS: dict[str, _JsonDialect] = {"sqlite": _SqliteJson(), "postgresql": _PostgresqlJson()}
