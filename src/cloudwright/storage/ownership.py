"""Whose a resource is: given to another user by an administrator."""

from __future__ import annotations

from sqlalchemy import Connection, Table, update

from cloudwright.errors import NotFound
from cloudwright.storage import accounts
from cloudwright.storage.schema import blueprints, deployments, plugins

_TABLES: dict[str, Table] = {"blueprints": blueprints, "deployments": deployments, "plugins": plugins}


def give(conn: Connection, tenant: str, noun: str, id: str, username: str) -> None:
    """Make a user the creator of a resource: what is private is theirs from then on.

    Raises NotFound, for the user too.
    """
    accounts.get_user(conn, username)
    table = _TABLES[noun]
    its = update(table).where(table.c.tenant == tenant, table.c.id == id).values(created_by=username)
    if not conn.execute(its).rowcount:
        raise NotFound(f"There is no {noun.removesuffix('s')} `{id}` in tenant `{tenant}`.")
