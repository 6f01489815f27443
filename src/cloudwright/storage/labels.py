"""Labels: which resources have which, and the keys and values that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, distinct, func, insert, select

from cloudwright.storage.paging import Page, holds
from cloudwright.storage.records import JsonObject
from cloudwright.storage.schema import blueprint_labels, blueprints, deployment_labels, deployments
from cloudwright.storage.visibility import Tenancy, seen

#: Who has which label, by the plural of what is labelled.
TABLES: Mapping[str, Table] = {"deployments": deployment_labels, "blueprints": blueprint_labels}


def replace(conn: Connection, table: Table, tenant: str, id: str, labels: Sequence[JsonObject]) -> None:
    """Record which labels a resource has."""
    conn.execute(
        delete(table).where(table.c.tenant == bindparam("of_tenant"), table.c.id == bindparam("of_id")),
        {"of_tenant": tenant, "of_id": id},
    )
    rows = {(label["key"], label["value"]) for label in labels}
    if rows:
        conn.execute(
            insert(table),
            [{"tenant": tenant, "id": id, "key": key, "value": value} for key, value in sorted(rows)],
        )


def list_keys(
    conn: Connection, table: Table, tenant: Tenancy, search: str | None, page: Page
) -> tuple[list[str], int]:
    """Return a page of the keys that there are, in their order, and how many there are."""
    return _distinct(conn, table, "key", tenant, {}, search, page)


def list_values(
    conn: Connection, table: Table, tenant: Tenancy, key: str, search: str | None, page: Page
) -> tuple[list[str], int]:
    """Return a page of the values that a key has, in their order, and how many there are."""
    return _distinct(conn, table, "value", tenant, {"key": key}, search, page)


def _distinct(
    conn: Connection,
    table: Table,
    name: str,
    tenant: Tenancy,
    narrowed: Mapping[str, Any],
    search: str | None,
    page: Page,
) -> tuple[list[str], int]:
    column = table.c[name]
    labelled = deployments if table is deployment_labels else blueprints
    conditions = seen(tenant, table, (labelled, table.c.id))
    conditions += [table.c[key] == value for key, value in narrowed.items()]
    conditions += holds(column, search)
    found = select(column).distinct().where(*conditions).order_by(column)
    values = conn.scalars(found.limit(page.size).offset(page.offset or None)).all()
    total = conn.scalar(select(func.count(distinct(column))).where(*conditions))
    return list(values), total or 0
