"""How many instances the nodes and scaling groups of a deployment have, and are to have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from cloudwright.model.node_packing import Unpacking
from cloudwright.storage.schema import deployments, nodes


def put(
    conn: Connection, tenant: str, deployment_id: str, counts: Mapping[str, int], *, planned_only: bool
) -> None:
    """Write how many instances these nodes and scaling groups are to have, in each instance of what they are
    contained in; unless ``planned_only`` they have them now.
    """
    this = (deployments.c.tenant == tenant, deployments.c.id == deployment_id)
    row = conn.execute(select(deployments.c.shared, deployments.c.scaling_groups).where(*this)).one()
    unpacking = Unpacking(row.shared)
    groups = dict(row.scaling_groups)
    changed = False
    for name, count in counts.items():
        new = {"planned_instances": count} | ({} if planned_only else {"current_instances": count})
        if name in groups:
            groups[name] = {**groups[name], "properties": {**groups[name]["properties"], **new}}
            changed = True
            continue
        one = (
            nodes.c.tenant == tenant,
            nodes.c.deployment_id == deployment_id,
            nodes.c.id == name,
        )
        packed = conn.execute(select(nodes.c.node).where(*one)).scalar()
        if packed is None:
            continue
        # What a node has alone is stored as it is, so that the change is this node's only.
        capabilities = _scaled(unpacking.node(packed).get("capabilities") or {}, new)
        conn.execute(
            update(nodes)
            .where(*one)
            .values(node={**packed, "capabilities": capabilities}, planned_instances=count)
        )
    if changed:
        conn.execute(update(deployments).where(*this).values(scaling_groups=groups))


def nodes_of(conn: Connection, tenant: str, deployment_id: str) -> list[dict[str, Any]]:
    """Return the nodes of the deployment, whole."""
    this = (deployments.c.tenant == tenant, deployments.c.id == deployment_id)
    unpacking = Unpacking(conn.execute(select(deployments.c.shared).where(*this)).scalar())
    own = (nodes.c.tenant == tenant, nodes.c.deployment_id == deployment_id)
    return [unpacking.node(packed) for packed in conn.scalars(select(nodes.c.node).where(*own))]


def _scaled(capabilities: Mapping[str, Any], new: Mapping[str, int]) -> dict[str, Any]:
    scalable = capabilities.get("scalable") or {}
    return {
        **capabilities,
        "scalable": {**scalable, "properties": {**(scalable.get("properties") or {}), **new}},
    }
