"""Sites, and the deployments that belong to them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, update

from cloudwright.errors import Conflict, NotFound
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.paging import Page, holds, one_of, read_page
from cloudwright.storage.schema import deployments, sites
from cloudwright.storage.visibility import Tenancy, seen


@dataclass(frozen=True, slots=True)
class Site:
    """``location`` is `LATITUDE,LONGITUDE`, in degrees."""

    name: str
    tenant: str
    location: str | None
    visibility: str
    created_by: str | None
    created_at: datetime


_CATALOGUE = KeyedTable(Site, sites, "site", changeable={"name", "location", "visibility"})
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: sites.c[name] for name in ("name", "location", "visibility", "created_by", "created_at")
}


def create(conn: Connection, site: Site) -> Site:
    """Raises Conflict."""
    return _CATALOGUE.add(conn, site)


def get(conn: Connection, tenant: str, name: str) -> Site:
    """Raises NotFound."""
    return _CATALOGUE.get(conn, tenant, name)


def list_sites(
    conn: Connection, tenant: Tenancy, names: Collection[str] | None, search: str | None, page: Page
) -> tuple[list[Site], int]:
    conditions = [*seen(tenant, sites), *one_of({sites.c.name: names})]
    return read_page(
        conn,
        _CATALOGUE.light.where(*conditions, *holds(sites.c.name, search)),
        Site,
        page,
        sortable=_SORTABLE,
        default=(sites.c.name,),
        unique=(sites.c.tenant, sites.c.name),
    )


def change(conn: Connection, tenant: str, name: str, changes: dict[str, Any]) -> Site:
    """Write some columns; deployments follow a new name. Raises NotFound, Conflict."""
    site = _CATALOGUE.get(conn, tenant, name)
    new = changes.get("name", name)
    if new == name:
        return _CATALOGUE.change(conn, (tenant, name), changes) if changes else site
    try:
        _CATALOGUE.get(conn, tenant, new)
    except NotFound:
        conn.execute(update(sites).where(sites.c.tenant == tenant, sites.c.name == name).values(changes))
        _move(conn, tenant, name, new)
        return _CATALOGUE.get(conn, tenant, new)
    raise Conflict(f"There is a site `{new}` already.")


def delete(conn: Connection, tenant: str, name: str) -> Site:
    """Delete it; its deployments belong to no site then. Raises NotFound."""
    site = _CATALOGUE.remove(conn, tenant, name)
    _move(conn, tenant, name, None)
    return site


def _move(conn: Connection, tenant: str, name: str, new: str | None) -> None:
    its = deployments.c.tenant == tenant, deployments.c.site_name == name
    conn.execute(update(deployments).where(*its).values(site_name=new))
