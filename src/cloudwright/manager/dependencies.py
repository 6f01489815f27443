"""Dependencies between deployments: what is recorded of them, and which deployments have to stay for them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from cloudwright.errors import DependentExists
from cloudwright.manager.default_schedules import change_defaults
from cloudwright.model.deployment_update import DeploymentUpdate
from cloudwright.model.execution import Caller
from cloudwright.planning.dependencies import CapabilityUse, capability_uses
from cloudwright.storage import dependencies, deployment_updates, deployments, manager_queries
from cloudwright.storage.dependencies import Dependency
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Deployment
from cloudwright.storage.store import Connection


def dependency_of(deployment: Deployment, id: str, use: CapabilityUse, now: datetime) -> Dependency:
    """Return the dependency of a deployment on what a function of it reads from."""
    return Dependency(
        tenant=deployment.tenant,
        id=id,
        dependency_creator=use.path,
        source_deployment_id=deployment.id,
        target_deployment_id=use.target,
        target_deployment_func=use.function,
        visibility=deployment.visibility,
        created_by=deployment.created_by,
        created_at=now,
    )


def updated_dependencies(update: DeploymentUpdate, now: datetime) -> list[Dependency]:
    """Return what the functions of a deployment read from once the update holds."""
    columns = update.target["columns"]
    uses = capability_uses(update.target["nodes"], columns["outputs"], columns["capabilities"])
    return [
        Dependency(
            tenant=update.tenant,
            id=f"{update.id}-{number}",
            dependency_creator=use.path,
            source_deployment_id=update.deployment_id,
            target_deployment_id=use.target,
            target_deployment_func=use.function,
            created_by=update.created_by,
            created_at=now,
        )
        for number, use in enumerate(uses)
        if use.target != update.deployment_id
    ]


def check_capabilities_kept(conn: Connection, update: DeploymentUpdate) -> None:
    """Raise DependentExists if the update removes capabilities that functions of other deployments read."""
    before, after = (state["columns"]["capabilities"] for state in (update.before, update.target))
    gone = before.keys() - after.keys()
    if not gone:
        return
    rows, _ = dependencies.list_dependencies(conn, update.tenant, EVERYTHING, targets=[update.deployment_id])
    sources = {row.source_deployment_id for row in rows} - {None, update.deployment_id}
    used = [use for id in sorted(map(str, sources)) for use in _uses_of(conn, update, id, gone)]
    if used:
        raise DependentExists(
            f"The update of deployment `{update.deployment_id}` removes what others read: {', '.join(used)}. "
            "Change those first, or use `force`."
        )


def _uses_of(conn: Connection, update: DeploymentUpdate, id: str, names: Collection[str]) -> list[str]:
    source = deployments.get(conn, update.tenant, id)
    nodes = [row.node for row in deployments.nodes(conn, update.tenant, id)]
    return [
        f"capability `{use.name}`, by `{id}` (`{use.path}`)"
        for use in capability_uses(nodes, source.outputs, source.capabilities)
        if use.target == update.deployment_id and use.name in names
    ]


def switch_update(conn: Connection, id: str, tenant: str, now: datetime) -> None:
    """Let the new plan of an update hold, and what its functions read from."""
    switched = deployment_updates.get(conn, tenant, id).switched
    update = deployment_updates.switch(conn, id, tenant, now)
    if not switched and (change := update.target.get("schedules")):
        change_defaults(conn, change, deployments.get(conn, tenant, update.deployment_id), now)
    dependencies.remove_functions(conn, tenant, update.deployment_id)
    for dependency in updated_dependencies(update, now):
        dependencies.add(conn, dependency)


def record_all(conn: Connection, new: list[Dependency]) -> list[Dependency]:
    """Store dependencies. Raises NotFound if a deployment does not exist, and IllegalAction for a circle."""
    for one in new:
        for id in (one.source_deployment_id, one.target_deployment_id):
            if id is not None:
                deployments.get(conn, one.tenant, id)
    return [dependencies.add(conn, one) for one in new]


def replace_functions(conn: Connection, tenant: str, id: str, new: list[Dependency]) -> list[Dependency]:
    """Store what the functions of a deployment use, in place of what is stored of them. Raises NotFound."""
    deployments.get(conn, tenant, id)
    dependencies.remove_functions(conn, tenant, id)
    return record_all(conn, new)


def check_unused(
    conn: Connection,
    tenant: str,
    id: str,
    done: str,
    caller: Caller | None = None,
    *,
    recursive: bool = False,
    together: Collection[str] = (),
) -> None:
    """Raise DependentExists if a deployment uses this one, other than that of the process that asks.

    ``done`` is what would be done to it ("deleted"), and to those in ``together`` too; ``recursive``: what is
    a part of it goes before.
    """
    own: str | None = None
    if caller is not None:
        own = manager_queries.get(conn, caller.execution_id).deployment_id
    found = dependencies.dependents(conn, tenant, id, but={*together, own}, with_parts=not recursive)
    if found:
        raise DependentExists(
            f"Deployment `{id}` cannot be {done}, because it is used by {', '.join(found[:10])}"
            f"{f' and {len(found) - 10} more' if len(found) > 10 else ''}. "
            "Remove what uses it first, or use `force`."
        )
