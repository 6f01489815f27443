"""Which part of a list is wanted and in which order, and how a list is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, func, tuple_

from cloudwright.errors import InvalidInput

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Page:
    """``size`` None is everything. ``sort`` holds (column, descending) pairs; a list allows columns of its
    own. ``everything``: all rows are wanted, and ``size`` is only how many of them there may be.
    """

    size: int | None = 1000
    offset: int = 0
    sort: tuple[tuple[str, bool], ...] = ()
    everything: bool = False


EVERYTHING = Page(size=None)


def columns_of(record: type[Any], table: Table) -> list[Column[Any]]:
    """Return the table's columns in the order of the record's fields, so that ``record(*row)`` makes a
    record.
    """
    return [table.c[field.name] for field in fields(record)]


def one_of(wanted: Mapping[ColumnElement[Any], Collection[Any] | None]) -> Iterator[ColumnElement[bool]]:
    """Each column has one of its values; None is any."""
    for column, values in wanted.items():
        if values is not None:
            # Of an equality SQLite knows that an index below it gives the order too.
            yield column == next(iter(values)) if len(values) == 1 else column.in_(list(values))


def holds(column: ColumnElement[Any], text: str | None) -> list[ColumnElement[bool]]:
    """Return conditions that the column contains the text, ignoring case; none if it is None."""
    return [] if text is None else [column.icontains(text, autoescape=True)]


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list, and how a page of them is found.

    ``default`` is the order if a page says none; ``unique`` orders what is equal otherwise, so that no
    row is on two pages. ``counted`` is a cheaper way to count them. ``found`` selects the keys of what the
    list holds: if that is much, sorting keys is cheaper than sorting rows, and the statement need only
    give the page's rows.
    """

    statement: Select[Any]
    sortable: Mapping[str, ColumnElement[Any]]
    default: tuple[ColumnElement[Any], ...]
    unique: tuple[ColumnElement[Any], ...]
    counted: Select[Any] | None = None
    found: Select[Any] | None = None

    def read(self, conn: Connection, make: Callable[..., R], page: Page) -> tuple[list[R], int]:
        """Return the page's records, and how many there are on all pages.

        Raises InvalidInput for a column that the list cannot be sorted by.
        """
        rows = [make(*row) for row in conn.execute(self.page_of(self.statement, page))]
        return rows, self.total(conn, page, len(rows))

    def page_of(self, statement: Select[Any], page: Page) -> Select[Any]:
        """Return the page of a statement that has the list's rows, whatever its columns. Raises
        InvalidInput.
        """
        order = [_direction(self.sortable, name, descending) for name, descending in page.sort]
        order = [*(order or self.default), *self.unique]
        wanted = statement if self.found is None else self.found
        wanted = wanted.order_by(*order).limit(page.size).offset(page.offset or None)
        if self.found is None:
            return wanted
        return statement.where(tuple_(*self.unique).in_(wanted)).order_by(*order)

    def total(self, conn: Connection, page: Page, found: int) -> int:
        """Return how many rows all pages have, given how many this one has."""
        if (found or not page.offset) and (page.size is None or found < page.size):
            return page.offset + found
        counted = self.counted
        if counted is None:
            counted = self.statement.with_only_columns(func.count(), maintain_column_froms=True)
        return conn.scalar(counted) or 0


def read_page(
    conn: Connection,
    statement: Select[Any],
    make: Callable[..., R],
    page: Page,
    *,
    sortable: Mapping[str, ColumnElement[Any]],
    default: tuple[ColumnElement[Any], ...],
    unique: tuple[ColumnElement[Any], ...],
) -> tuple[list[R], int]:
    """Return a page of a list that is read in this one way: see ``Listing``."""
    return Listing(statement, sortable, default, unique).read(conn, make, page)


def _direction(sortable: Mapping[str, ColumnElement[Any]], name: str, descending: bool) -> ColumnElement[Any]:
    column = sortable.get(name)
    if column is None:
        known = ", ".join(sorted(sortable))
        raise InvalidInput(f"The list cannot be sorted by `{name}`; it can be by: {known}.")
    return column.desc() if descending else column.asc()
