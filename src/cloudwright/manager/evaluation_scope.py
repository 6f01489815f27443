"""Where intrinsic functions find what they refer to, in the database as it is at this moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from cloudwright.errors import NotFound
from cloudwright.manager.secrets import SecretReader
from cloudwright.model.topology import NodeInstance
from cloudwright.planning import MemoryScope, SystemFacts, evaluate
from cloudwright.storage import dependencies, deployment_groups, deployments, instances
from cloudwright.storage.dependencies import PARENT_LABEL
from cloudwright.storage.filters import InstanceFilter
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Deployment
from cloudwright.storage.store import Connection


class StoredScope(MemoryScope):
    """Reads a node or a node instance when it is asked for: most values refer to one or two of them, however
    many the deployment has.
    """

    def __init__(self, conn: Connection, deployment: Deployment, **known: Any) -> None:
        super().__init__((), (), **known)
        self._conn = conn
        self._deployment = deployment

    def node(self, name: str) -> Mapping[str, Any]:
        if name not in self._nodes:
            row = deployments.get_node(self._conn, self._deployment.tenant, self._deployment.id, name)
            self._nodes[name] = row.node
        return self._nodes[name]

    def instances_of(self, node: str) -> Sequence[NodeInstance]:
        if node not in self._by_node:
            self.node(node)
            wanted = InstanceFilter(
                tenant=self._deployment.tenant, deployment_ids=[self._deployment.id], node_ids=[node]
            )
            found, _ = instances.list_instances(self._conn, wanted, EVERYTHING)
            self._by_node[node] = found
            self._instances.update((instance.id, instance) for instance in found)
        return self._by_node[node]

    def instance(self, instance_id: str) -> NodeInstance:
        if instance_id not in self._instances:
            found = instances.get_instance(self._conn, self._deployment.tenant, instance_id)
            if found.deployment_id != self._deployment.id:
                raise NotFound(f"Deployment `{self._deployment.id}` has no node instance `{instance_id}`.")
            self._instances[instance_id] = found
        return self._instances[instance_id]


def stored_scope(
    conn: Connection,
    deployment: Deployment,
    secret: SecretReader,
    *,
    self_id: str | None = None,
    source_id: str | None = None,
    target_id: str | None = None,
    asked: frozenset[tuple[str, str]] = frozenset(),
) -> StoredScope:
    """Return the scope of one deployment, to be used while ``conn`` is open.

    ``secret`` is asked by ``get_secret``, and says who must see the deployments whose capabilities are asked
    for. The ids are of the node instances that SELF, SOURCE and TARGET stand for.
    ``asked`` are the capabilities of other deployments whose evaluation led here.
    """

    def capability(other: str, name: str) -> Any:
        return _capability(conn, deployment.tenant, other, name, secret, asked)

    return StoredScope(
        conn,
        deployment,
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
        secret=secret,
        conceal=secret.conceal,
        group_capability=partial(_group_capability, conn, deployment.tenant, capability, secret),
        environment_capability=partial(_environment_capability, deployment, capability),
        consumers=partial(_consumers, conn, deployment, secret),
    )


def instance_named(scope: StoredScope, name: str) -> str:
    """Return the id of the node instance that ``name`` means: its own id, or its node's if that has one only.

    Raises NotFound.
    """
    try:
        return scope.instance(name).id
    except NotFound:
        found = scope.instances_of(name)
    if len(found) != 1:
        raise NotFound(f"The node `{name}` has {len(found)} instances; give the id of one.")
    return found[0].id


def _group_capability(
    conn: Connection,
    tenant: str,
    capability: Callable[[str, str], Any],
    secret: SecretReader,
    id: str,
    name: str,
) -> dict[str, Any]:
    """Return the capability of each deployment of a group that is seen. Raises NotFound if one lacks it."""
    group, members = deployment_groups.get_with_members(conn, tenant, id)
    if not secret.viewer.sees(group):
        raise NotFound(f"There is no deployment group `{id}` in tenant `{tenant}`.")
    return {
        member: capability(member, name)
        for member in members
        if secret.viewer.sees(deployments.get(conn, tenant, member))
    }


def _environment_capability(deployment: Deployment, capability: Callable[[str, str], Any], name: str) -> Any:
    """Return a capability of the deployment that this one is in, by its label. Raises NotFound."""
    parents = _labels(deployment).get(PARENT_LABEL, ())
    if len(parents) != 1:
        raise NotFound(
            f"Deployment `{deployment.id}` has {len(parents)} labels `{PARENT_LABEL}`: with exactly one it "
            "is known which deployment is its environment."
        )
    return capability(parents[0], name)


def _consumers(conn: Connection, deployment: Deployment, secret: SecretReader, what: str) -> Any:
    """Return the deployments that use this one, of those that are seen: their ``ids``, ``names`` or their
    ``count``.
    """
    rows, _ = dependencies.list_dependencies(conn, deployment.tenant, EVERYTHING, targets=[deployment.id])
    ids = {row.source_deployment_id for row in rows if row.source_deployment_id is not None}
    found = [deployments.get(conn, deployment.tenant, id) for id in sorted(ids)]
    found = [one for one in found if secret.viewer.sees(one)]
    if what == "count":
        return len(found)
    return [one.id if what == "ids" else one.display_name for one in found]


def _labels(deployment: Deployment) -> dict[str, Sequence[str]]:
    labels: dict[str, list[str]] = {}
    for label in deployment.labels:
        labels.setdefault(str(label["key"]), []).append(str(label["value"]))
    return dict(labels)


def _capability(
    conn: Connection,
    tenant: str,
    id: str,
    name: str,
    secret: SecretReader,
    asked: frozenset[tuple[str, str]],
) -> Any:
    if (id, name) in asked:
        raise NotFound(f"The capability `{name}` of deployment `{id}` leads back to itself.")
    other = deployments.get(conn, tenant, id)
    if not secret.viewer.sees(other):
        # In the words of one that does not exist.
        raise NotFound(f"There is no deployment `{id}` in tenant `{tenant}`.")
    definition = other.capabilities.get(name)
    if definition is None:
        there = ", ".join(sorted(other.capabilities)) or "none"
        raise NotFound(f"Deployment `{id}` has no capability `{name}`; it has: {there}.")
    scope = stored_scope(conn, other, secret, asked=asked | {(id, name)})
    return evaluate(definition["value"], scope, path=f"capabilities.{name}")
