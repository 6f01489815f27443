"""``ctx.instance``, its relationships, and the two ends of a relationship."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudwright.child.errors import NonRecoverableError, RequestRefused
from cloudwright.model.json_values import offence
from cloudwright.operation.context.node import NodeContext
from cloudwright.operation.host_connection import HostConnection
from cloudwright.operation.properties import ImmutableProperties, RuntimeProperties


class NodeInstanceContext:
    """``ctx.instance``: a node instance.

    ``instance`` is its record (docs/concepts/frames.md), or None to ask the manager for it when it is looked
    at. ``modifiable``: its runtime properties may be changed.
    """

    def __init__(
        self,
        id: str,
        node: NodeContext,
        supervisor: HostConnection,
        instance: dict[str, Any] | None = None,
        *,
        modifiable: bool,
    ) -> None:
        self._id = id
        self._node = node
        self._supervisor = supervisor
        self._modifiable = modifiable
        self._loaded = instance
        self._runtime_properties: RuntimeProperties | None = None
        self._relationships: list[RelationshipContext] | None = None

    @property
    def _instance(self) -> dict[str, Any]:
        if self._loaded is None:
            self._loaded = self._supervisor.call("node_instance", id=self._id)
        return self._loaded or {}

    @property
    def id(self) -> str:
        """The instance's id, such as `web_k3x9a2`."""
        return self._id

    @property
    def node(self) -> NodeContext:
        """The node that it is an instance of."""
        return self._node

    @property
    def index(self) -> int:
        """Which of its node's instances it is, counted from 1."""
        return int(self._instance.get("index") or 0)

    @property
    def state(self) -> str | None:
        """Its state when the operation began or ``refresh`` was called, such as `started`."""
        return self._instance.get("state")

    @property
    def host_id(self) -> str | None:
        """The id of the instance that it runs on: its own if it is a host, None if it runs on none."""
        return self._instance.get("host_id")

    @property
    def scaling_groups(self) -> list[dict[str, Any]]:
        """The instances of scaling groups that it belongs to: `[{"name", "id"}]`."""
        return list(self._instance.get("scaling_groups") or ())

    @property
    def system_properties(self) -> dict[str, Any]:
        """What the engine keeps about the instance, such as the result of the last check; a copy."""
        return dict(self._instance.get("system_properties") or {})

    @property
    def drift(self) -> Any:
        """What the last ``check_drift`` operation returned, or None if it found no difference or failed."""
        found = self.system_properties.get("configuration_drift") or {}
        return found.get("result") if found.get("ok") else None

    @property
    def runtime_properties(self) -> RuntimeProperties:
        """What operations keep about the instance: a dictionary of JSON values.

        Changes, also inside nested lists and dictionaries, are stored when the operation ends, whether it
        succeeds or fails, or by ``update``. If they were changed elsewhere meanwhile, the operation fails and
        is retried. Lists and dictionaries may be nested 100 levels.
        """
        if self._runtime_properties is None:
            self._runtime_properties = RuntimeProperties(self._instance.get("runtime_properties") or {})
            self._runtime_properties.modifiable = self._modifiable
        return self._runtime_properties

    @runtime_properties.setter
    def runtime_properties(self, values: dict[str, Any]) -> None:
        self.runtime_properties._check()
        self.runtime_properties.replace(values)

    @property
    def relationships(self) -> list[RelationshipContext]:
        """The instance's relationships, one for each target instance, in the blueprint's order."""
        if self._relationships is None:
            self._relationships = [
                RelationshipContext(relationship, self._node, self._supervisor)
                for relationship in self._instance.get("relationships") or ()
            ]
        return self._relationships

    @property
    def host_ip(self) -> str:
        """The address of the host that it runs on: the host's runtime property ``ip``, else its property.

        Raises NonRecoverableError if it has no host, or the host has no address.
        """
        host_id = self.host_id
        if host_id is None:
            raise NonRecoverableError(f"`{self._id}` has no address: it is not contained in a host.")
        host: NodeInstanceContext = self
        if host_id != self._id:
            record = self._supervisor.call("node_instance", id=host_id)
            host_node = NodeContext(record["node_id"], host_id, self._supervisor)
            host = NodeInstanceContext(host_id, host_node, self._supervisor, record, modifiable=False)
        address = host.runtime_properties.get("ip") or host.node.properties.get("ip")
        if not address:
            raise NonRecoverableError(
                f"`{self._id}` has no address: its host `{host_id}` has no `ip`, neither as a runtime "
                "property nor as a property."
            )
        return str(address)

    def update(
        self, on_conflict: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]] | None = None
    ) -> None:
        """Store the runtime properties now, if they changed, and wait until they are stored.

        ``on_conflict(ours, stored)`` returns the properties to store. It is called first with ours twice,
        and again whenever others were stored meanwhile.

        Raises RequestRefused, with status_code 409, if others were stored meanwhile and there is no
        ``on_conflict``; NonRecoverableError if they hold what cannot be stored.
        """
        if on_conflict is None:
            changed = self.changes()
            if changed is not None:
                self._store(changed)
            return
        ours = dict(self.runtime_properties)
        stored = ours
        while True:
            self.runtime_properties = on_conflict(ours, stored)
            try:
                self._store(self._record())
            except RequestRefused as error:
                if error.status_code != 409:
                    raise
                self.refresh(force=True)
                stored = dict(self.runtime_properties)
            else:
                return

    def refresh(self, force: bool = False) -> None:
        """Load the instance as it is stored now.

        Raises NonRecoverableError if changes of its runtime properties would be lost, unless ``force``.
        """
        if not force and self._runtime_properties is not None and self._runtime_properties.dirty:
            raise NonRecoverableError(
                f"The runtime properties of `{self._id}` were changed and not stored: loading them again now "
                "would lose the changes. Store them with update(), or discard them with refresh(force=True)."
            )
        self._loaded = self._supervisor.call("node_instance", id=self._id)
        self._relationships = None
        if self._runtime_properties is not None:
            self._runtime_properties.replace(self._instance.get("runtime_properties") or {})
            self._runtime_properties.mark_clean()

    def changes(self) -> dict[str, Any] | None:
        """Return what is to be stored, as an ``updates`` entry of the ``end`` frame, or None.

        Raises NonRecoverableError if it cannot be stored.
        """
        if self._runtime_properties is None or not self._runtime_properties.dirty:
            return None
        return self._record()

    def _record(self) -> dict[str, Any]:
        properties = dict(self.runtime_properties)
        found = offence(properties, "runtime_properties")
        if found:
            raise NonRecoverableError(
                f"The runtime properties of `{self._id}` cannot be stored, because {found}. They can hold "
                "what JSON can: text, numbers, true, false, null, lists and dictionaries."
            )
        return {"id": self._id, "version": self._instance.get("version"), "runtime_properties": properties}

    def _store(self, record: dict[str, Any]) -> None:
        self._loaded = self._supervisor.call("update_node_instance", **record)
        self.runtime_properties.mark_clean()


class RelationshipContext:
    """One relationship of an instance: an entry of its record's ``relationships``."""

    def __init__(self, relationship: dict[str, Any], node: NodeContext, supervisor: HostConnection) -> None:
        self._relationship = relationship
        self._node = node
        target_node = NodeContext(relationship["target_name"], relationship["target_id"], supervisor)
        self._target = RelationshipSubjectContext(
            target_node,
            NodeInstanceContext(relationship["target_id"], target_node, supervisor, modifiable=False),
        )

    @property
    def type(self) -> str:
        """The name of the relationship's type."""
        return str(self._relationship["type"])

    @property
    def target(self) -> RelationshipSubjectContext:
        """The end that it leads to. Its runtime properties can be read, not changed."""
        return self._target

    @property
    def _definition(self) -> dict[str, Any]:
        for candidate in self._node.relationships:
            if candidate["type"] == self.type and candidate.get("target_id") in (None, self._target.node.id):
                return candidate
        return {}

    @property
    def type_hierarchy(self) -> list[str]:
        """Names of the relationship's type and of all types that it derives from, the root first."""
        return list(self._definition.get("type_hierarchy") or [self.type])

    @property
    def properties(self) -> ImmutableProperties:
        """The properties that the blueprint gives the relationship."""
        return ImmutableProperties(self._definition.get("properties") or {})


class RelationshipSubjectContext:
    """One end of a relationship: its ``node`` and its ``instance``."""

    def __init__(self, node: NodeContext, instance: NodeInstanceContext) -> None:
        self.node = node
        self.instance = instance
