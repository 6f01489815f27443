"""Where functions find what they refer to at run time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from cloudwright.errors import NotFound
from cloudwright.model.topology import NodeInstance
from cloudwright.planning.facts import SystemFacts


class Scope(Protocol):
    """What evaluation asks. Everything that does not exist raises ``errors.NotFound``.

    ``self_id``, ``source_id`` and ``target_id`` are the node instances that SELF, SOURCE and TARGET stand
    for: the first in an operation of a node, the others in one of a relationship, none in outputs and
    capabilities.
    """

    @property
    def self_id(self) -> str | None: ...
    @property
    def source_id(self) -> str | None: ...
    @property
    def target_id(self) -> str | None: ...
    @property
    def inputs(self) -> Mapping[str, Any]: ...

    def node(self, name: str) -> Mapping[str, Any]:
        """Return a node's dictionary, as in ``docs/reference/plan.md``."""
        ...

    def instances_of(self, node: str) -> Sequence[NodeInstance]: ...
    def instance(self, instance_id: str) -> NodeInstance: ...
    def secret(self, key: str) -> str: ...

    def conceal(self, text: str) -> str:
        """Return a message without the values of the secrets that were read."""
        ...

    def capability(self, deployment: str, name: str) -> Any:
        """Return the value of another deployment's capability, evaluated there."""
        ...

    def group_capability(self, group: str, name: str) -> Mapping[str, Any]:
        """Return the value of a capability of each deployment of a group, by the deployment's identifier."""
        ...

    def environment_capability(self, name: str) -> Any:
        """Return the value of a capability of the deployment that is this one's environment (its label
        csys-obj-parent).
        """
        ...

    def labels(self, key: str) -> Sequence[str]:
        """Return the values of the deployment's label, the oldest first."""
        ...

    def sys(self, entity: str, name: str) -> str: ...

    def consumers(self, what: str) -> Any:
        """``ids``, ``names`` or ``count`` of the deployments that use this one."""
        ...


def _none_here(*names: str) -> Any:
    raise NotFound(f"There is no {' '.join(f'`{name}`' for name in names)} here.")


class MemoryScope:
    """A scope over lists of nodes and node instances; functions for what lies outside of the deployment."""

    def __init__(
        self,
        nodes: Iterable[Mapping[str, Any]],
        instances: Iterable[NodeInstance],
        *,
        inputs: Mapping[str, Any] | None = None,
        self_id: str | None = None,
        source_id: str | None = None,
        target_id: str | None = None,
        system: SystemFacts | None = None,
        labels: Mapping[str, Sequence[str]] | None = None,
        secret: Callable[[str], str] = _none_here,
        conceal: Callable[[str], str] = str,
        capability: Callable[[str, str], Any] = _none_here,
        group_capability: Callable[[str, str], Mapping[str, Any]] = _none_here,
        environment_capability: Callable[[str], Any] = _none_here,
        consumers: Callable[[str], Any] = _none_here,
    ) -> None:
        self.self_id = self_id
        self.source_id = source_id
        self.target_id = target_id
        self.inputs: Mapping[str, Any] = inputs or {}
        self._nodes = {node["id"]: node for node in nodes}
        self._instances: dict[str, NodeInstance] = {}
        self._by_node: dict[str, list[NodeInstance]] = {name: [] for name in self._nodes}
        for instance in instances:
            self._instances[instance.id] = instance
            self._by_node.setdefault(instance.node_id, []).append(instance)
        self._system = system
        self._labels = labels or {}
        self.secret = secret
        self.conceal = conceal
        self.capability = capability
        self.group_capability = group_capability
        self.environment_capability = environment_capability
        self.consumers = consumers

    def node(self, name: str) -> Mapping[str, Any]:
        try:
            return self._nodes[name]
        except KeyError:
            raise NotFound(f"There is no node `{name}`.") from None

    def instances_of(self, node: str) -> Sequence[NodeInstance]:
        try:
            return self._by_node[node]
        except KeyError:
            raise NotFound(f"There is no node `{node}`.") from None

    def instance(self, instance_id: str) -> NodeInstance:
        try:
            return self._instances[instance_id]
        except KeyError:
            raise NotFound(f"There is no node instance `{instance_id}`.") from None

    def labels(self, key: str) -> Sequence[str]:
        try:
            return self._labels[key]
        except KeyError:
            raise NotFound(f"The deployment has no label `{key}`.") from None

    def sys(self, entity: str, name: str) -> str:
        fact = self._system.get(entity, name) if self._system is not None else None
        if fact is None:
            raise NotFound(f"`{entity}` has no `{name}` here.")
        return fact
