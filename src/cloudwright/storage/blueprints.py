"""Blueprints: their plans, and how far their upload has come."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, bindparam, cast, insert, or_, select
from sqlalchemy import delete as remove

from cloudwright.errors import DependentExists, NotFound
from cloudwright.storage import labels
from cloudwright.storage.executions.recorded import leave_uploads
from cloudwright.storage.filter_rules import fulfil
from cloudwright.storage.filters import BlueprintFilter
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.paging import Page, holds, one_of, read_page
from cloudwright.storage.records import Blueprint
from cloudwright.storage.schema import blueprint_icons, blueprint_labels, blueprints, deployments
from cloudwright.storage.visibility import seen

_CATALOGUE = KeyedTable(
    Blueprint,
    blueprints,
    "blueprint",
    changeable={
        "main_file_name",
        "plan",
        "state",
        "error",
        "description",
        "visibility",
        "created_by",
        "updated_at",
        "path",
        "artifact",
        "labels",
        "upload_execution",
        "requirements",
    },
    heavy={"plan"},
)
_DEPENDENTS = (
    select(deployments.c.id)
    .where(
        deployments.c.tenant == bindparam("of_tenant"), deployments.c.blueprint_id == bindparam("blueprint")
    )
    .order_by(deployments.c.id)
)
_BY_UPLOAD = _CATALOGUE.light.where(
    blueprints.c.tenant == bindparam("of_tenant"), blueprints.c.upload_execution == bindparam("execution")
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: blueprints.c[name]
    for name in ("id", "state", "created_by", "created_at", "updated_at", "main_file_name", "visibility")
}
#: What a filter rule may be about.
_ATTRIBUTES: dict[str, ColumnElement[Any]] = {
    **{name: blueprints.c[name] for name in ("id", "created_by", "state")},
    "tenant_name": blueprints.c.tenant,
}


def create(conn: Connection, blueprint: Blueprint, now: datetime) -> Blueprint:
    """Raises Conflict."""
    stored = _CATALOGUE.add(conn, blueprint, created_at=now, updated_at=now)
    labels.replace(conn, blueprint_labels, blueprint.tenant, blueprint.id, blueprint.labels)
    return stored


def set_state(
    conn: Connection, tenant: str, id: str, state: str, *, error: str | None = None, now: datetime
) -> Blueprint:
    return update(conn, tenant, id, now, state=state, error=error)


def update(conn: Connection, /, tenant: str, id: str, now: datetime, **changes: Any) -> Blueprint:
    """Write some of its columns. Return the record without the plan. Raises NotFound."""
    changed = _CATALOGUE.change(conn, (tenant, id), {**changes, "updated_at": now})
    if "labels" in changes:
        labels.replace(conn, blueprint_labels, tenant, id, changed.labels)
    return changed


def get(conn: Connection, tenant: str, id: str, *, with_plan: bool = False) -> Blueprint:
    """Raises NotFound. The plan is large: it is None unless asked for."""
    return _CATALOGUE.get(conn, tenant, id, whole=with_plan)


def get_by_upload(conn: Connection, tenant: str, execution_id: str) -> Blueprint | None:
    """Return the blueprint whose upload has that id."""
    row = conn.execute(_BY_UPLOAD, {"of_tenant": tenant, "execution": execution_id}).first()
    return None if row is None else Blueprint(*row)


def list_blueprints(conn: Connection, filter: BlueprintFilter, page: Page) -> tuple[list[Blueprint], int]:
    """Without their plans."""
    table = blueprints.c
    conditions = one_of(
        {
            table.id: filter.ids,
            table.state: filter.states,
            table.main_file_name: filter.main_file_names,
            table.visibility: filter.visibilities,
            table.created_by: None if filter.created_by is None else [filter.created_by],
        }
    )
    return read_page(
        conn,
        _CATALOGUE.light.where(
            *seen(filter.tenant, blueprints),
            *conditions,
            *fulfil(filter.rules, (table.tenant, table.id), _ATTRIBUTES, blueprint_labels),
            *holds(table.id, filter.search),
        ),
        Blueprint,
        page,
        sortable=_SORTABLE,
        default=(table.created_at,),
        unique=(table.tenant, table.id),
    )


def importers(conn: Connection, blueprint: Blueprint) -> list[str]:
    """Return the ids of the other blueprints whose plans import this one."""
    plan = cast(blueprints.c.plan, Text)
    query = (
        select(blueprints.c.id, blueprints.c.plan)
        .where(
            plan.contains(f'"{blueprint.id}"', autoescape=True),
            # As both writers of JSON write it: this keeps most plans from being read.
            or_(plan.contains('"imported_blueprints":["'), plan.contains('"imported_blueprints": ["')),
        )
        .order_by(blueprints.c.id)
    )
    if blueprint.visibility != "global":
        query = query.where(blueprints.c.tenant == blueprint.tenant)
    # One after the other: a plan is large.
    return [
        row.id for row in conn.execute(query) if blueprint.id in (row.plan.get("imported_blueprints") or ())
    ]


def set_icon(conn: Connection, tenant: str, id: str, png: bytes | None) -> None:
    """Keep an icon; None removes it. Raises NotFound."""
    get(conn, tenant, id)
    its = blueprint_icons.c.tenant == tenant, blueprint_icons.c.blueprint_id == id
    conn.execute(remove(blueprint_icons).where(*its))
    if png is not None:
        conn.execute(
            insert(blueprint_icons).values(tenant=tenant, blueprint_id=id, png=b64encode(png).decode())
        )


def get_icon(conn: Connection, tenant: str, id: str) -> bytes:
    """Raises NotFound."""
    its = blueprint_icons.c.tenant == tenant, blueprint_icons.c.blueprint_id == id
    found = conn.scalar(select(blueprint_icons.c.png).where(*its))
    if found is None:
        raise NotFound(f"The blueprint `{id}` of tenant `{tenant}` has no icon.")
    return b64decode(found)


def delete(conn: Connection, tenant: str, id: str) -> Blueprint:
    """Delete and return it. Raises NotFound, and DependentExists if deployments were made from it."""
    dependents = conn.scalars(_DEPENDENTS, {"of_tenant": tenant, "blueprint": id}).all()
    if dependents:
        named = ", ".join(f"`{dependent}`" for dependent in dependents)
        raise DependentExists(
            f"Blueprint `{id}` is used by the deployments {named}. Delete them first, or keep the blueprint."
        )
    removed = _CATALOGUE.remove(conn, tenant, id)
    leave_uploads(conn, removed)
    return removed
