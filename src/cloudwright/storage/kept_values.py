"""Values that the manager keeps by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from cloudwright.storage.paging import columns_of
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.schema import kept_values


@dataclass(frozen=True, slots=True)
class Kept:
    name: str
    value: Any
    updated_by: str | None
    updated_at: datetime


_ALL = Prepared(select(*columns_of(Kept, kept_values)).order_by(kept_values.c.name))
_FORGET = Prepared(delete(kept_values).where(kept_values.c.name == bindparam("of_name")))
_INSERT = Prepared(insert(kept_values), ("name", "value", "updated_by", "updated_at"))


def all_values(conn: Connection) -> dict[str, Kept]:
    """Return every kept value by its name."""
    return {row[0]: Kept(*row) for row in _ALL.all(conn)}


def keep(conn: Connection, name: str, value: Any, by: str | None, now: datetime) -> Kept:
    """Store a value in place of the one of this name."""
    _FORGET.run(conn, of_name=name)
    _INSERT.run(conn, name=name, value=value, updated_by=by, updated_at=now)
    return Kept(name, value, by, now)


def forget(conn: Connection, name: str) -> None:
    _FORGET.run(conn, of_name=name)
