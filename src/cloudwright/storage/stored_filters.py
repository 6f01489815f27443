"""Filters of deployments and of blueprints: lists of rules under an id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, or_, select

from cloudwright.errors import NotFound
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.paging import Page, columns_of, holds, read_page
from cloudwright.storage.records import JsonObject
from cloudwright.storage.schema import blueprint_filters, deployment_filters
from cloudwright.storage.visibility import Tenancy, seen

GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class StoredFilter:
    """``rules`` are as ``model.filter_rules`` writes them."""

    tenant: str
    id: str
    rules: list[JsonObject]
    visibility: str
    created_by: str | None
    created_at: datetime
    updated_at: datetime


class StoredFilters:
    """The filters of one kind of resource."""

    def __init__(self, table: Table, noun: str) -> None:
        self._table = table
        self._noun = noun
        self._rows = KeyedTable(
            StoredFilter, table, noun, changeable={"rules", "visibility", "updated_at", "created_by"}
        )

    def create(self, conn: Connection, new: StoredFilter) -> StoredFilter:
        """Raises Conflict."""
        return self._rows.add(conn, new)

    def find(self, conn: Connection, tenant: str, id: str) -> StoredFilter:
        """Return the filter that the id means in a tenant: its own, or else a global one. Raises NotFound."""
        table = self._table.c
        of_tenant = or_(table.tenant == tenant, table.visibility == GLOBAL)
        statement = select(*columns_of(StoredFilter, self._table)).where(table.id == id, of_tenant)
        rows = [StoredFilter(*row) for row in conn.execute(statement.order_by(table.tenant))]
        own = [row for row in rows if row.tenant == tenant]
        for row in own or rows:
            return row
        raise NotFound(f"There is no {self._noun} `{id}` in tenant `{tenant}`.")

    def list(
        self, conn: Connection, tenant: Tenancy, search: str | None, page: Page
    ) -> tuple[list[StoredFilter], int]:
        """Return a page of a tenant's filters and the global ones; of all tenants if none is given."""
        table = self._table.c
        shown = seen(tenant, self._table)
        names = ("id", "visibility", "created_by", "created_at", "updated_at")
        return read_page(
            conn,
            self._rows.light.where(*shown, *holds(table.id, search)),
            StoredFilter,
            page,
            sortable={**{name: table[name] for name in names}, "tenant_name": table.tenant},
            default=(table.id,),
            unique=(table.tenant, table.id),
        )

    def change(self, conn: Connection, tenant: str, id: str, changes: Mapping[str, Any]) -> StoredFilter:
        """Raises NotFound."""
        return self._rows.change(conn, (tenant, id), changes)

    def delete(self, conn: Connection, tenant: str, id: str) -> StoredFilter:
        """Raises NotFound."""
        return self._rows.remove(conn, tenant, id)


#: The filters of each kind, by its plural.
FILTERS: Mapping[str, StoredFilters] = {
    "deployments": StoredFilters(deployment_filters, "filter of deployments"),
    "blueprints": StoredFilters(blueprint_filters, "filter of blueprints"),
}
