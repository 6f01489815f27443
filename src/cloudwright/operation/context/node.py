"""``ctx.node``."""

from __future__ import annotations

from typing import Any

from cloudwright.operation.host_connection import HostConnection
from cloudwright.operation.properties import ImmutableProperties


class NodeContext:
    """``ctx.node``: a node, as an instance of it sees it.

    ``instance_id`` is what SELF means in its properties. ``node`` is its dictionary (docs/reference/plan.md),
    or None to ask the manager for it when it is looked at.
    """

    def __init__(
        self, name: str, instance_id: str, supervisor: HostConnection, node: dict[str, Any] | None = None
    ) -> None:
        self._name = name
        self._instance_id = instance_id
        self._supervisor = supervisor
        self._loaded = node
        self._properties: ImmutableProperties | None = None

    @property
    def _node(self) -> dict[str, Any]:
        if self._loaded is None:
            self._loaded = self._supervisor.call("node", id=self._name)
        return self._loaded or {}

    @property
    def id(self) -> str:
        """The node's name, the same as ``name``."""
        return self._name

    @property
    def name(self) -> str:
        """The node's name in the blueprint."""
        return self._name

    @property
    def type(self) -> str:
        """The name of the node's type."""
        return str(self._node["type"])

    @property
    def type_hierarchy(self) -> list[str]:
        """Names of the node's type and of all types that it derives from, the root first."""
        return list(self._node.get("type_hierarchy") or [self._node["type"]])

    @property
    def properties(self) -> ImmutableProperties:
        """The node's properties, by name, with their intrinsic functions evaluated as things are now.

        They cannot be changed: writing to them raises NonRecoverableError. Raises RequestRefused if a
        function cannot be evaluated.
        """
        if self._properties is None:
            properties = self._node.get("properties") or {}
            if any(_may_be_function(value) for value in properties.values()):
                properties = self._supervisor.call("evaluate", value=properties, instance=self._instance_id)
            self._properties = ImmutableProperties(properties)
        return self._properties

    @property
    def number_of_instances(self) -> int | None:
        """How many instances the node was deployed with, or None if that is not known."""
        count = (self._node.get("instances") or {}).get("deploy", self._node.get("number_of_instances"))
        return None if count is None else int(count)

    @property
    def relationships(self) -> list[dict[str, Any]]:
        """The node's relationships: dictionaries as in the plan (docs/reference/plan.md)."""
        if "relationships" not in self._node:
            # The frame that began the operation leaves them out: they are large, and few operations look.
            self._loaded = self._supervisor.call("node", id=self._name)
        return list(self._node.get("relationships") or ())


def _may_be_function(value: Any) -> bool:
    """Return whether ``value`` is or holds what looks like an intrinsic function: a dictionary of one key."""
    if isinstance(value, dict):
        return len(value) == 1 or any(_may_be_function(each) for each in value.values())
    return isinstance(value, list) and any(_may_be_function(each) for each in value)
