"""Things that are looked up by their key: stored, read, changed and deleted in the same way, whatever they
are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Table, bindparam, delete, insert, null, select, update

from cloudwright.errors import Conflict, NotFound
from cloudwright.storage.paging import columns_of
from cloudwright.storage.prepared import Prepared

R = TypeVar("R")


class KeyedTable(Generic[R]):
    """The rows of one table as records of one class, whose fields are columns.

    ``changeable`` are the columns that ``change`` may write. ``heavy`` ones are None in a record unless they
    are asked for. A key is the values of the table's primary key, in its order.
    """

    def __init__(
        self,
        record: type[R],
        table: Table,
        noun: str,
        *,
        changeable: Collection[str] = (),
        heavy: Collection[str] = (),
    ) -> None:
        self._record = record
        self._table = table
        self._noun = noun
        self._changeable = frozenset(changeable)
        self._keys = list(table.primary_key.columns)
        self._this = [column == bindparam(f"key_{place}") for place, column in enumerate(self._keys)]
        self._get_whole = Prepared(select(*columns_of(record, table)).where(*self._this))
        #: Every row without its heavy columns: what a list starts from.
        self.light = select(
            *(
                null().label(column.name) if column.name in heavy else column
                for column in columns_of(record, table)
            )
        )
        self._get_lightly = Prepared(self.light.where(*self._this))

    def add(self, conn: Connection, record: R, **more: Any) -> R:
        """Store a record, with values for what it leaves open. Raises Conflict if its key is taken."""
        row = {field.name: getattr(record, field.name) for field in fields(record)} | more  # type: ignore[arg-type]
        key = [row[column.name] for column in self._keys]
        if self._get_lightly.first(conn, **self._parameters(key)) is not None:
            raise Conflict(f"There is a {self._noun} {self._named(key)} already.")
        conn.execute(insert(self._table), row)
        return self._record(**row)

    def get(self, conn: Connection, *key: Any, whole: bool = False) -> R:
        """Raises NotFound."""
        row = (self._get_whole if whole else self._get_lightly).first(conn, **self._parameters(key))
        if row is None:
            raise self._missing(key)
        return self._record(*row)

    def change(self, conn: Connection, key: Collection[Any], changes: Mapping[str, Any]) -> R:
        """Write some columns, and return the record as it is then. Raises NotFound."""
        forbidden = changes.keys() - self._changeable
        if forbidden:
            raise ValueError(f"a {self._noun}'s {', '.join(sorted(forbidden))} can not be changed")
        statement = update(self._table).where(*self._this).values(dict(changes))
        if not conn.execute(statement, self._parameters(key)).rowcount:
            raise self._missing(key)
        return self.get(conn, *key)

    def remove(self, conn: Connection, *key: Any) -> R:
        """Delete the row, and return the record as it was. Raises NotFound."""
        record = self.get(conn, *key)
        conn.execute(delete(self._table).where(*self._this), self._parameters(key))
        return record

    def _missing(self, key: Collection[Any]) -> NotFound:
        return NotFound(f"There is no {self._noun} {self._named(key)}.")

    def _named(self, key: Collection[Any]) -> str:
        values = dict(zip((column.name for column in self._keys), key, strict=True))
        tenant = values.pop("tenant", None)
        name = " ".join(f"`{value}`" for value in values.values())
        return name if tenant is None else f"{name} in tenant `{tenant}`"

    @staticmethod
    def _parameters(key: Collection[Any]) -> dict[str, Any]:
        return {f"key_{place}": value for place, value in enumerate(key)}
