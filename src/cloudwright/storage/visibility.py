"""What of the resources of tenants a user sees. Every list and look-up for a user passes through here.

A resource belongs to a tenant, and is visible to all its users (``tenant``), to those of every tenant
(``global``), or only to its creator and to those who administer its tenant (``private``). What belongs to a
deployment is as private as the deployment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Table,
    and_,
    exists,
    not_,
    or_,
    select,
    true,
    update,
)

from cloudwright.errors import Conflict, IllegalAction, NotFound
from cloudwright.storage.schema import (
    blueprint_filters,
    blueprints,
    deployment_filters,
    deployment_groups,
    deployment_modifications,
    deployment_updates,
    deployments,
    execution_groups,
    executions,
    node_instances,
    operations,
    plugins,
    sites,
    workers,
)

PRIVATE, TENANT, GLOBAL = _WIDTH = "private", "tenant", "global"


@dataclass(frozen=True, slots=True)
class Scope:
    """``tenants`` None are all of them. ``administers`` are those in which the user sees what others keep
    private; None is every one.
    """

    username: str | None
    tenants: frozenset[str] | None
    administers: frozenset[str] | None = frozenset()


#: What a list is narrowed to: everything, everything in a tenant, or what a user sees.
Tenancy = str | Scope | None

#: What is looked up by a key, by its noun in paths.
_KINDS: Mapping[str, tuple[Table, ColumnElement[Any]]] = {
    "blueprints": (blueprints, blueprints.c.id),
    "plugins": (plugins, plugins.c.id),
    "sites": (sites, sites.c.name),
    "deployments": (deployments, deployments.c.id),
    "deployment-groups": (deployment_groups, deployment_groups.c.id),
    "execution-groups": (execution_groups, execution_groups.c.id),
    "agents": (workers, workers.c.name),
    "executions": (executions, executions.c.id),
    "node-instances": (node_instances, node_instances.c.id),
    "deployment-updates": (deployment_updates, deployment_updates.c.id),
    "deployment-modifications": (deployment_modifications, deployment_modifications.c.id),
    "filters/deployments": (deployment_filters, deployment_filters.c.id),
    "filters/blueprints": (blueprint_filters, blueprint_filters.c.id),
}
KINDS = frozenset({*_KINDS, "operations"})


def seen(
    tenancy: Tenancy,
    table: FromClause,
    part_of: tuple[FromClause, ColumnElement[Any]] | None = None,
    tenant: ColumnElement[Any] | None = None,
) -> list[ColumnElement[bool]]:
    """Return the conditions that a row is seen, whatever the table: it has the column ``tenant``, and maybe
    ``visibility`` or ``deployment_id``. ``part_of`` is another table that it is as private as, and the column
    with the ``id`` there. ``tenant`` is the column if it is not to be looked at as it is.
    """
    tenant = table.c.tenant if tenant is None else tenant
    if tenancy is None:
        return []
    if isinstance(tenancy, str):
        return [tenant == tenancy]
    of_tenant: ColumnElement[bool] = true()
    if tenancy.tenants is not None:
        of_tenant = _is_one_of(tenant, tenancy.tenants)
    if "visibility" in table.c:
        if tenancy.tenants is not None:
            of_tenant = or_(of_tenant, table.c.visibility == GLOBAL)
        return [of_tenant] if tenancy.administers is None else [of_tenant, _is_open(tenancy, table)]
    if tenancy.administers is None:
        return [of_tenant]
    if part_of is None and "deployment_id" in table.c:
        part_of = deployments, table.c.deployment_id
    if part_of is None:
        return [of_tenant]
    hidden = _is_of_private(tenancy, table, *part_of)
    if "private_to" in table.c:
        return [of_tenant, *_is_open_history(tenancy, table, hidden)]
    return [of_tenant, not_(hidden)]


def locate(conn: Connection, scope: Scope, tenant: str, noun: str, key: str) -> str:
    """Return the tenant whose resource a key means in a tenant: its own, or else one that is global.

    The tenant itself if there is none. Raises NotFound if it is private to somebody else.
    """
    if noun == "operations":
        joined = operations.join(executions, executions.c.id == operations.c.execution_id)
        return _locate(conn, scope, tenant, noun, (executions, operations.c.id == key), key, joined)
    table, column = _KINDS[noun]
    return _locate(conn, scope, tenant, noun, (table, column == key), key, table)


def widen(conn: Connection, tenant: str, noun: str, key: str, visibility: str) -> None:
    """Let more users see a resource. Raises NotFound, IllegalAction if it would be fewer, or more than see
    the blueprint of a deployment, and Conflict if another tenant has a global one of that key.
    """
    table, column = _KINDS[noun]
    its = table.c.tenant == tenant, column == key
    one = noun.removesuffix("s")
    now = conn.scalar(select(table.c.visibility).where(*its))
    if now is None:
        raise NotFound(f"There is no {one} `{key}` in tenant `{tenant}`.")
    if _WIDTH.index(visibility) < _WIDTH.index(now):
        raise IllegalAction(
            f"The visibility of {one} `{key}` is `{now}` and cannot be narrowed to `{visibility}`: others may"
            " use it by now."
        )
    if visibility == GLOBAL:
        taken = select(table.c.tenant).where(
            table.c.tenant != tenant, column == key, table.c.visibility == GLOBAL
        )
        if (other := conn.scalar(taken)) is not None:
            raise Conflict(f"There is a global {one} `{key}` in tenant `{other}` already.")
    if table is deployments:
        _check_blueprint(conn, tenant, key, visibility)
    conn.execute(update(table).where(*its).values(visibility=visibility))


def _check_blueprint(conn: Connection, tenant: str, deployment_id: str, visibility: str) -> None:
    found = conn.execute(
        select(blueprints.c.id, blueprints.c.visibility)
        .join(
            deployments,
            and_(deployments.c.tenant == blueprints.c.tenant, deployments.c.blueprint_id == blueprints.c.id),
        )
        .where(deployments.c.tenant == tenant, deployments.c.id == deployment_id)
    ).one()
    if _WIDTH.index(visibility) > _WIDTH.index(found.visibility):
        raise IllegalAction(
            f"The visibility of deployment `{deployment_id}` cannot be `{visibility}` while that of its"
            f" blueprint `{found.id}` is `{found.visibility}`. Change the blueprint's first."
        )


def hidden(
    conn: Connection, scope: Scope, tenant: str, subjects: Collection[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Return which of these, each a noun and a key, are private to somebody else."""
    found = set()
    for noun, key in subjects:
        try:
            locate(conn, scope, tenant, noun, key)
        except NotFound:
            found.add((noun, key))
    return found


def _locate(
    conn: Connection,
    scope: Scope,
    tenant: str,
    noun: str,
    of: tuple[FromClause, ColumnElement[bool]],
    key: str,
    source: FromClause,
) -> str:
    table, is_it = of
    whose = table.c.tenant == tenant
    if "visibility" in table.c:
        whose = or_(whose, table.c.visibility == GLOBAL)
    shown = and_(true(), *seen(scope, table)).label("shown")
    rows = conn.execute(select(table.c.tenant, shown).select_from(source).where(is_it, whose))
    found = {of_tenant: bool(is_shown) for of_tenant, is_shown in rows}
    if tenant in found and not found[tenant]:
        raise NotFound(f"There is no `{key[:200]}` among the {noun} of tenant `{tenant}`.")
    return tenant if tenant in found or not found else min(found)


def _is_of_private(
    scope: Scope, table: FromClause, whole: FromClause, id: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Return the condition that a row belongs to something that is private to somebody else."""
    it = whole.alias("whole")
    return exists().where(it.c.tenant == table.c.tenant, it.c.id == id, not_(_is_open(scope, it)))


def _is_open(scope: Scope, table: FromClause) -> ColumnElement[bool]:
    """Return the condition that a row is not private to somebody else."""
    conditions = [table.c.visibility != PRIVATE]
    if scope.username is not None:
        # False, not NULL, if nobody is known to have created it.
        conditions.append(and_(table.c.created_by.is_not(None), table.c.created_by == scope.username))
    if scope.administers:
        conditions.append(_is_one_of(table.c.tenant, scope.administers))
    return or_(*conditions)


def _is_open_history(
    scope: Scope, table: FromClause, hidden: ColumnElement[bool]
) -> list[ColumnElement[bool]]:
    """Return the conditions that an execution is not of something that is private to somebody else, or was
    when it was deleted. ``hidden``: the deployment that has its id now is.
    """
    whose: list[ColumnElement[bool]] = [table.c.private_to.is_(None)]
    if scope.username:
        whose.append(table.c.private_to == scope.username)
    if scope.administers:
        whose.append(_is_one_of(table.c.tenant, scope.administers))
    # The upload of a blueprint is an execution of no deployment.
    of_upload = and_(
        table.c.deployment_id.is_(None), _is_of_private(scope, table, blueprints, table.c.blueprint_id)
    )
    return [or_(*whose), or_(table.c.deployment_gone, not_(hidden)), not_(of_upload)]


def _is_one_of(column: ColumnElement[Any], values: frozenset[str]) -> ColumnElement[bool]:
    return column == next(iter(values)) if len(values) == 1 else column.in_(sorted(values))
