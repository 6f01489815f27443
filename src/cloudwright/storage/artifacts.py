"""Which artifacts (``cloudwright.artifacts``) rows name."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, union, union_all

from cloudwright.storage.schema import blueprints, plugins

_COLUMNS = (blueprints.c.artifact, plugins.c.artifact)
_NAMED = union(*(select(column).where(column.is_not(None)) for column in _COLUMNS))
_IS_NAMED = union_all(*(select(column).where(column == bindparam("digest")) for column in _COLUMNS)).limit(1)


def named(conn: Connection) -> set[str]:
    return set(conn.execute(_NAMED).scalars())


def is_named(conn: Connection, digest: str) -> bool:
    return conn.execute(_IS_NAMED, {"digest": digest}).first() is not None
