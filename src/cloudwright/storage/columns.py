"""Types of columns, so that a row holds what a record holds and ``Record(*row)`` makes the record.

Each gives SQLAlchemy the converting function itself instead of a method to be called with the dialect for
every value: these run for every column of every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ColumnElement, DateTime, Dialect, Text, literal_column, type_coerce
from sqlalchemy.types import TypeDecorator, TypeEngine

from cloudwright.storage.json_codec import dumps, dumps_plain, loads

Converter = Callable[[Any], Any]


def _aware(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone; the store takes aware times only")
    return value


def _to_text(value: datetime | None) -> str | None:
    # Always of the same width and in UTC, so that comparing texts compares times.
    return None if value is None else _aware(value).astimezone(UTC).isoformat(timespec="microseconds")  # type: ignore[union-attr]


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC: ``timestamptz`` on PostgreSQL, ISO 8601 text on SQLite, which has none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def bind_processor(self, dialect: Dialect) -> Converter:
        return _to_text if dialect.name == "sqlite" else _aware

    def result_processor(self, dialect: Dialect, coltype: object) -> Converter | None:
        return _from_text if dialect.name == "sqlite" else None


class Json(TypeDecorator[Any]):
    """JSON as text; None is NULL."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Converter:
        return lambda value: None if value is None else dumps(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Converter:
        return lambda text: None if text is None else loads(text)


class PlainJson(Json):
    """A document of which the database is asked for members."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Converter:
        return lambda value: None if value is None else dumps_plain(value)


class EnumText(TypeDecorator[Any]):
    """One of the values of an enumeration, as text."""

    impl = Text
    cache_ok = True

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__()
        self.choices = choices

    def bind_processor(self, dialect: Dialect) -> Converter:
        choices = self.choices
        return lambda value: None if value is None else choices(value).value

    def result_processor(self, dialect: Dialect, coltype: object) -> Converter:
        members = {member.value: member for member in self.choices}
        return lambda text: None if text is None else members[text]


def is_any(column: ColumnElement[Any], values: Iterable[StrEnum]) -> ColumnElement[bool]:
    """``column IN (...)`` with the values written out: a statement that never changes, and that a partial
    index serves.
    """
    return column.in_([literal_column(f"'{value}'") for value in sorted(values)])


def is_(column: ColumnElement[Any], value: StrEnum) -> ColumnElement[bool]:
    """``column = value`` with the value written out."""
    return column == literal_column(f"'{value}'")


def unindexed(column: Column[Any]) -> ColumnElement[Any]:
    """Return a column of text that a statement looks at when a key has found the row, so that no index on it
    can.

    While PostgreSQL has no statistics of a table, any index that serves a part of the condition looks as good
    to it as the primary key. It keeps that plan, and then reads all rows of the deployment or execution for
    each.
    """
    return type_coerce(column.concat(literal_column("''")), column.type)
