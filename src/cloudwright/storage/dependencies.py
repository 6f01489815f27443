"""Dependencies between deployments: which one uses which, and what of it does."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, delete, not_, or_, select, type_coerce

from cloudwright.errors import IllegalAction, NotFound
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.locks import lock_deployment
from cloudwright.storage.paging import Page, columns_of, one_of, read_page
from cloudwright.storage.schema import deployments
from cloudwright.storage.schema import inter_deployment_dependencies as table
from cloudwright.storage.visibility import Tenancy, seen

#: The label with which a deployment says which one it is a part of.
PARENT_LABEL = "csys-obj-parent"
#: What the creators of the dependencies of components and shared resources begin with.
COMPONENT, SHARED_RESOURCE = "component.", "sharedresource."
# Taken by every transaction that adds a dependency: two that close a circle together must see each other.
_TURN = "/dependencies"


@dataclass(frozen=True, slots=True)
class Dependency:
    """``dependency_creator`` is what in the source uses the target: a node instance, or a function's path.

    ``target_deployment_func`` is a function by which the target is known at run time only. The external ones
    describe a source or a target on another manager.
    """

    tenant: str
    id: str
    dependency_creator: str
    source_deployment_id: str | None
    target_deployment_id: str | None
    created_at: datetime
    target_deployment_func: Any = None
    external_source: Any = None
    external_target: Any = None
    visibility: str = "tenant"
    created_by: str | None = None


_ROWS = KeyedTable(Dependency, table, "dependency between deployments")
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: table.c[name]
    for name in (
        "id",
        "dependency_creator",
        "source_deployment_id",
        "target_deployment_id",
        "created_by",
        "created_at",
        "visibility",
    )
}
_ALL = select(*columns_of(Dependency, table))


def add(conn: Connection, new: Dependency) -> Dependency:
    """Store a dependency; one that is there already is returned as it is.

    Raises IllegalAction if it closes a circle, which it names.
    """
    lock_deployment(conn, new.tenant, _TURN)
    known = conn.execute(_ALL.where(*_same(new))).first()
    if known is not None:
        return Dependency(*known)
    check_circle(conn, new)
    return _ROWS.add(conn, new)


def check_circle(conn: Connection, new: Dependency) -> None:
    """Raise IllegalAction if a dependency would close a circle, which it names."""
    source, target = new.source_deployment_id, new.target_deployment_id
    if source is not None and target is not None:
        way = [source] if source == target else _way(conn, new.tenant, target, source)
        if way:
            circle = " -> ".join(f"`{id}`" for id in [source, *way])
            raise IllegalAction(
                f"Deployment `{source}` cannot use deployment `{target}` (`{new.dependency_creator}`), "
                f"because that would be a circle: {circle}."
            )


def remove(
    conn: Connection, tenant: str, creator: str, source: str | None, target: str | None
) -> list[Dependency]:
    """Delete the dependencies with this creator. Raises NotFound if there is none."""
    conditions = [table.c.tenant == tenant, table.c.dependency_creator == creator]
    if source is not None:
        conditions.append(table.c.source_deployment_id == source)
    if target is not None:
        conditions.append(table.c.target_deployment_id == target)
    found = [Dependency(*row) for row in conn.execute(_ALL.where(*conditions))]
    if not found:
        raise NotFound(f"There is no dependency `{creator}` of deployment `{source}` on `{target}`.")
    conn.execute(delete(table).where(*conditions))
    return found


def remove_of(conn: Connection, tenant: str, source: str) -> None:
    """Delete what a deployment that goes away depends on."""
    conn.execute(delete(table).where(table.c.tenant == tenant, table.c.source_deployment_id == source))


def remove_functions(conn: Connection, tenant: str, source: str) -> None:
    """Delete what the functions of a deployment depend on."""
    creator = table.c.dependency_creator
    conn.execute(
        delete(table).where(
            table.c.tenant == tenant,
            table.c.source_deployment_id == source,
            not_(or_(creator.startswith(COMPONENT), creator.startswith(SHARED_RESOURCE))),
        )
    )


def list_dependencies(
    conn: Connection,
    tenant: Tenancy,
    page: Page,
    *,
    sources: Collection[str] | None = None,
    targets: Collection[str] | None = None,
    creators: Collection[str] | None = None,
    ids: Collection[str] | None = None,
) -> tuple[list[Dependency], int]:
    chosen = one_of(
        {
            table.c.source_deployment_id: sources,
            table.c.target_deployment_id: targets,
            table.c.dependency_creator: creators,
            table.c.id: ids,
        }
    )
    return read_page(
        conn,
        _ALL.where(*seen(tenant, table), *chosen),
        Dependency,
        page,
        sortable=_SORTABLE,
        default=(table.c.created_at,),
        unique=(table.c.tenant, table.c.id),
    )


def dependents(
    conn: Connection, tenant: str, target: str, *, but: Collection[str | None] = (), with_parts: bool = True
) -> list[str]:
    """Say which deployments use this one, and what of them does, without those in ``but``.

    ``with_parts``: those that are a part of this one by their label are among them, but for its own
    components.
    """
    of = table.c.tenant == tenant, table.c.target_deployment_id == target
    rows = conn.execute(_ALL.where(*of).order_by(table.c.source_deployment_id, table.c.dependency_creator))
    said = [
        f"`{one.source_deployment_id or 'another manager'}` (`{one.dependency_creator}`)"
        for one in (Dependency(*row) for row in rows)
        if one.source_deployment_id is None or one.source_deployment_id not in (target, *but)
    ]
    own = components(conn, tenant, target)
    said += [
        f"`{id}` (label `{PARENT_LABEL}`)"
        for id in (parts(conn, tenant, target) if with_parts else ())
        if id not in own and id not in (target, *but)
    ]
    return said


def components(conn: Connection, tenant: str, source: str) -> frozenset[str]:
    """Return the deployments that components of this one made or took."""
    its = table.c.tenant == tenant, table.c.source_deployment_id == source
    targets = select(table.c.target_deployment_id).where(
        *its, table.c.dependency_creator.startswith(COMPONENT)
    )
    return frozenset(id for id in conn.scalars(targets) if id is not None)


def parts(conn: Connection, tenant: str, id: str) -> list[str]:
    """Return the deployments whose label says that they are a part of this one."""
    labelled = select(deployments.c.id, deployments.c.labels).where(
        deployments.c.tenant == tenant, type_coerce(deployments.c.labels, Text).contains(PARENT_LABEL)
    )
    return sorted(
        row.id
        for row in conn.execute(labelled)
        if any(one["key"] == PARENT_LABEL and one["value"] == id for one in row.labels)
    )


def _same(new: Dependency) -> list[ColumnElement[bool]]:
    return [
        table.c.tenant == new.tenant,
        table.c.dependency_creator == new.dependency_creator,
        table.c.source_deployment_id.is_not_distinct_from(new.source_deployment_id),
        table.c.target_deployment_id.is_not_distinct_from(new.target_deployment_id),
    ]


def _way(conn: Connection, tenant: str, start: str, end: str) -> list[str]:
    """Return a way along dependencies from one deployment to another, both included; none: an empty list."""
    came_from: dict[str, str | None] = {start: None}
    waiting = [start]
    while waiting:
        here = waiting.pop(0)
        if here == end:
            way: list[str] = []
            step: str | None = here
            while step is not None:
                way.append(step)
                step = came_from[step]
            return way[::-1]
        targets = select(table.c.target_deployment_id).where(
            table.c.tenant == tenant,
            table.c.source_deployment_id == here,
            table.c.target_deployment_id.is_not(None),
        )
        for target in conn.scalars(targets.distinct().order_by(table.c.target_deployment_id)):
            if target not in came_from:
                came_from[target] = here
                waiting.append(target)
    return []
