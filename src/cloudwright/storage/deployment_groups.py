"""Groups of deployments, and which deployments belong to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, update

from cloudwright.errors import NotFound
from cloudwright.storage import deployments, group_members
from cloudwright.storage.filters import DeploymentFilter
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.paging import EVERYTHING, Page, holds, one_of, read_page
from cloudwright.storage.records import JsonObject
from cloudwright.storage.schema import deployment_groups as table
from cloudwright.storage.visibility import Tenancy, seen


@dataclass(frozen=True, slots=True)
class DeploymentGroup:
    """``default_blueprint_id`` and ``default_inputs`` are for deployments that are made in the group,
    ``labels`` are given to all that come into it. ``creation_counter`` counts those that were made in it.
    """

    tenant: str
    id: str
    visibility: str
    description: str | None
    default_blueprint_id: str | None
    default_inputs: dict[str, Any]
    labels: list[JsonObject]
    creation_counter: int
    created_by: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Selection:
    """Deployments that exist: by id, of another group, or as a filter finds them."""

    ids: Sequence[str] = ()
    from_group: str | None = None
    filter: DeploymentFilter | None = None


_CATALOGUE = KeyedTable(
    DeploymentGroup,
    table,
    "deployment group",
    changeable={
        "visibility",
        "description",
        "default_blueprint_id",
        "default_inputs",
        "labels",
        "creation_counter",
    },
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: table.c[name]
    for name in ("id", "description", "default_blueprint_id", "visibility", "created_by", "created_at")
}


def add(conn: Connection, group: DeploymentGroup) -> None:
    """Raises Conflict."""
    _CATALOGUE.add(conn, group)


def add_if_missing(conn: Connection, group: DeploymentGroup) -> None:
    try:
        get(conn, group.tenant, group.id)
    except NotFound:
        add(conn, group)


def get(conn: Connection, tenant: str, id: str) -> DeploymentGroup:
    """Raises NotFound."""
    return _CATALOGUE.get(conn, tenant, id)


def list_groups(
    conn: Connection, tenant: Tenancy, ids: Collection[str] | None, search: str | None, page: Page
) -> tuple[list[tuple[DeploymentGroup, list[str]]], int]:
    """Return a page of groups, each with the ids of its deployments."""
    conditions = [*seen(tenant, table), *one_of({table.c.id: ids})]
    rows, total = read_page(
        conn,
        _CATALOGUE.light.where(*conditions, *holds(table.c.id, search)),
        DeploymentGroup,
        page,
        sortable=_SORTABLE,
        default=(table.c.id,),
        unique=(table.c.tenant, table.c.id),
    )
    return [(row, group_members.members(conn, row.tenant, row.id)) for row in rows], total


def get_with_members(conn: Connection, tenant: str, id: str) -> tuple[DeploymentGroup, list[str]]:
    """Raises NotFound."""
    return get(conn, tenant, id), group_members.members(conn, tenant, id)


def change(conn: Connection, tenant: str, id: str, changes: Mapping[str, Any]) -> DeploymentGroup:
    """Write some columns. Raises NotFound."""
    return _CATALOGUE.change(conn, (tenant, id), changes) if changes else get(conn, tenant, id)


def remove(conn: Connection, tenant: str, id: str) -> DeploymentGroup:
    """Delete the group; its deployments stay. Raises NotFound."""
    return _CATALOGUE.remove(conn, tenant, id)


def take_numbers(conn: Connection, tenant: str, id: str, count: int) -> int:
    """Return the first of so many numbers for new deployments, which nobody else gets. Raises NotFound."""
    first = conn.scalar(
        update(table)
        .where(table.c.tenant == tenant, table.c.id == id)
        .values(creation_counter=table.c.creation_counter + count)
        .returning(table.c.creation_counter)
    )
    if first is None:
        raise NotFound(f"There is no deployment group `{id}` in tenant `{tenant}`.")
    return int(first) - count + 1


def selected(conn: Connection, tenant: str, selection: Selection) -> list[str]:
    """Return the ids of the deployments that are selected. Raises NotFound if one does not exist."""
    ids = dict.fromkeys(selection.ids)
    if ids:
        known = {owner.id for owner in deployments.owners(conn, tenant, list(ids))}
        missing = [id for id in ids if id not in known]
        if missing:
            named = ", ".join(f"`{id}`" for id in missing[:10])
            raise NotFound(f"There is no deployment {named} in tenant `{tenant}`.")
    if selection.from_group is not None:
        get(conn, tenant, selection.from_group)
        ids |= dict.fromkeys(group_members.members(conn, tenant, selection.from_group))
    if selection.filter is not None:
        found, _ = deployments.list_deployments(conn, selection.filter, EVERYTHING)
        ids |= dict.fromkeys(row.id for row in found if row.tenant == tenant)
    return list(ids)


def add_members(conn: Connection, tenant: str, id: str, deployment_ids: Sequence[str], now: datetime) -> None:
    """Take deployments that exist into the group, and give them its labels. Raises NotFound (group)."""
    group_members.add(conn, tenant, id, deployment_ids, get(conn, tenant, id).labels, now)
