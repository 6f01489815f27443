"""Where intrinsic functions find what they refer to, in the database as it is at this moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from cloudwright.errors import NotFound
from cloudwright.planning import MemoryScope, SystemFacts, evaluate
from cloudwright.storage import deployments
from cloudwright.storage.records import Deployment


def stored_scope(
    conn: Connection,
    deployment: Deployment,
    nodes: Iterable[Mapping[str, Any]],
    *,
    self_id: str | None = None,
    source_id: str | None = None,
    target_id: str | None = None,
    asked: frozenset[tuple[str, str]] = frozenset(),
) -> MemoryScope:
    """The scope of one deployment, to be used while ``conn`` is open.

    The ids are of the node instances that SELF, SOURCE and TARGET stand for. ``asked`` are the capabilities
    of other deployments whose evaluation led here.
    """

    def capability(other: str, name: str) -> Any:
        return _capability(conn, deployment.tenant, other, name, asked)

    return MemoryScope(
        nodes,
        deployments.node_instances(conn, deployment.tenant, deployment.id),
        inputs=deployment.inputs,
        self_id=self_id,
        source_id=source_id,
        target_id=target_id,
        system=SystemFacts(
            deployment_id=deployment.id,
            tenant=deployment.tenant,
            blueprint_id=deployment.blueprint_id,
            owner=deployment.created_by or "",
            display_name=deployment.display_name,
        ),
        labels=_labels(deployment),
        capability=capability,
    )


def _labels(deployment: Deployment) -> dict[str, Sequence[str]]:
    labels: dict[str, list[str]] = {}
    for label in deployment.labels:
        labels.setdefault(str(label["key"]), []).append(str(label["value"]))
    return dict(labels)


def _capability(conn: Connection, tenant: str, id: str, name: str, asked: frozenset[tuple[str, str]]) -> Any:
    if (id, name) in asked:
        raise NotFound(f"The capability `{name}` of deployment `{id}` leads back to itself.")
    other = deployments.get(conn, tenant, id)
    definition = other.capabilities.get(name)
    if definition is None:
        there = ", ".join(sorted(other.capabilities)) or "none"
        raise NotFound(f"Deployment `{id}` has no capability `{name}`; it has: {there}.")
    nodes = [row.node for row in deployments.nodes(conn, tenant, id)]
    scope = stored_scope(conn, other, nodes, asked=asked | {(id, name)})
    return evaluate(definition["value"], scope, path=f"capabilities.{name}")
