"""The section ``node_templates``: the nodes of a deployment, as a plan has them.

Nodes of one type share what they do not change: properties, operations, type hierarchies. With ten thousand
nodes that is most of the work and of the memory, and the reason why nothing in a plan may be changed in
place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudwright.dsl.interfaces import InterfaceReader, Operations, OperationTable
from cloudwright.dsl.limits import Limits
from cloudwright.dsl.node_types import CONTAINED_IN, NodeType, RelationshipType
from cloudwright.dsl.problems import Path, closest, listing
from cloudwright.dsl.scalable import default_properties, fixed_properties, read_properties
from cloudwright.dsl.structure_checks import LIST, MAPPING, REQUIRED_STRING, Checker, Field, Shape
from cloudwright.dsl.values import Values

SECTION = "node_templates"
ON_OPERATION = "cloudify.relationships.depends_on_lifecycle_operation"
_LIFECYCLE = "cloudify.interfaces.lifecycle"

NODE: Shape = {
    "type": REQUIRED_STRING,
    "instances": MAPPING,
    "capabilities": MAPPING,
    "interfaces": MAPPING,
    "relationships": LIST,
    "properties": MAPPING,
}
INSTANCES: Shape = {"deploy": Field((int,), required=True)}
_CAPABILITIES: Shape = {"scalable": MAPPING}
_SCALABLE: Shape = {"properties": MAPPING}
RELATIONSHIP: Shape = {
    "type": REQUIRED_STRING,
    "target": REQUIRED_STRING,
    "properties": MAPPING,
    "source_interfaces": MAPPING,
    "target_interfaces": MAPPING,
}


@dataclass(slots=True)
class NodeTables:
    """The operations of a node: its own, those of its relationships (source and target side), and those that
    the relationships of others run on it as their target."""

    own: OperationTable | None = None
    sides: list[tuple[OperationTable, OperationTable]] = field(default_factory=list)
    incoming: list[OperationTable] = field(default_factory=list)

    def plugins(self) -> tuple[tuple[str, str], ...]:
        """Return the plugins, each with its executor, that have to be there for the node."""
        tables = [self.own] if self.own is not None else []
        tables += [source for source, _ in self.sides]
        tables += self.incoming
        return tuple(dict.fromkeys(key for table in tables for key in table.plugins))


class NodeReader:
    def __init__(
        self,
        checker: Checker,
        values: Values,
        interfaces: InterfaceReader,
        operations: Operations,
        types: tuple[Mapping[str, NodeType | None], Mapping[str, RelationshipType | None]],
        limits: Limits,
    ) -> None:
        self._checker = checker
        self._problems = checker.problems
        self._values = values
        self._interfaces = interfaces
        self._operations = operations
        self._node_types, self._relationship_types = types
        self._limits = limits
        self._raw: Mapping[str, Any] = {}
        self._one_instance = {"scalable": {"properties": default_properties()}}
        self.tables: dict[str, NodeTables] = {}
        self.hosts: set[str] = set()

    def read(self, raw: Any) -> dict[str, dict[str, Any]]:
        """Return the nodes by name, without what depends on other nodes; one that is wrong is left out."""
        if raw is None or not self._checker.names((SECTION,), raw):
            return {}
        self._raw = raw
        result = {}
        for name, entry in raw.items():
            node = self._node(name, entry)
            if node is not None:
                result[name] = node
        return result

    def _node(self, name: str, entry: Any) -> dict[str, Any] | None:
        path = (SECTION, name)
        if not self._checker.fields(path, entry, NODE, "node template"):
            return None
        node_type = self._type(path, entry["type"])
        if node_type is None:
            return None
        own = self._own_table(path, entry, node_type)
        self.tables.setdefault(name, NodeTables()).own = own
        if node_type.is_host:
            self.hosts.add(name)
        relationships = self._relationships(path, name, entry.get("relationships") or ())
        return {
            "name": name,
            "id": name,
            "type": node_type.name,
            "type_hierarchy": node_type.hierarchy,
            "properties": self._values.properties(
                entry.get("properties") or {}, node_type.schema, (*path, "properties")
            ),
            "capabilities": self._capabilities(path, entry),
            "relationships": relationships,
            "operations": own.operations,
        }

    def _type(self, path: Path, name: str) -> NodeType | None:
        if name not in self._node_types:
            self._problems.add(
                (*path, "type"),
                f"There is no node type `{name}`.",
                expected=f"one of {listing(self._node_types)}"
                if self._node_types
                else "an import that defines it",
                suggestion=closest(name, self._node_types),
            )
            return None
        return self._node_types[name]

    def _own_table(self, path: Path, entry: dict[str, Any], node_type: NodeType) -> OperationTable:
        raw = entry.get("interfaces")
        if not raw:
            if node_type.table is None:
                node_type.table = self._operations.table(node_type.interfaces, {}, path)
            return node_type.table
        own = self._interfaces.read((*path, "interfaces"), raw, declares=False)
        return self._operations.table(node_type.interfaces, own, path)

    def _capabilities(self, path: Path, entry: dict[str, Any]) -> dict[str, Any]:
        instances, capabilities = entry.get("instances"), entry.get("capabilities")
        if instances is None and capabilities is None:
            return self._one_instance
        properties = default_properties()
        if instances is not None and self._checker.fields(
            (*path, "instances"), instances, INSTANCES, "mapping of instances"
        ):
            count = instances["deploy"]
            if 0 <= count <= self._limits.instances:
                properties = fixed_properties(count)
            else:
                self._problems.add(
                    (*path, "instances", "deploy"),
                    f"`deploy` is {count}.",
                    expected=f"0 to {self._limits.instances}",
                )
            if capabilities is not None:
                self._problems.add(
                    (*path, "instances"),
                    "`instances` and `capabilities` both say how many instances there are.",
                    expected="`capabilities`, the newer of the two",
                    key=True,
                )
        if capabilities is not None and self._checker.fields(
            (*path, "capabilities"), capabilities, _CAPABILITIES, "mapping of capabilities"
        ):
            scalable = capabilities.get("scalable")
            place = (*path, "capabilities", "scalable")
            if scalable is not None and self._checker.fields(
                place, scalable, _SCALABLE, "scalable capability"
            ):
                properties = read_properties(
                    self._checker, (*place, "properties"), scalable.get("properties"), self._limits
                )
        return {"scalable": {"properties": properties}}

    def _relationships(self, path: Path, name: str, raw: Any) -> list[dict[str, Any]]:
        result = []
        containers = []
        for index, entry in enumerate(raw):
            place = (*path, "relationships", index)
            relationship = self._relationship(place, name, entry)
            if relationship is None:
                continue
            if CONTAINED_IN in relationship["type_hierarchy"]:
                containers.append(relationship["target_id"])
                if len(containers) == 2:
                    self._problems.add(
                        place,
                        f"`{name}` is contained in several nodes: {listing(containers)}.",
                        expected="one at most",
                    )
            result.append(relationship)
        return result

    def _relationship(self, path: Path, name: str, entry: Any) -> dict[str, Any] | None:
        if not self._checker.fields(path, entry, RELATIONSHIP, "relationship"):
            return None
        target = entry["target"]
        if target not in self._raw:
            self._problems.add(
                (*path, "target"),
                f"There is no node template `{target}`.",
                expected=f"one of {listing(self._raw)}",
                suggestion=closest(target, self._raw),
            )
            return None
        if target == name:
            self._problems.add((*path, "target"), f"`{name}` has a relationship with itself.")
            return None
        kind = entry["type"]
        if kind not in self._relationship_types:
            self._problems.add(
                (*path, "type"),
                f"There is no relationship type `{kind}`.",
                expected=f"one of {listing(self._relationship_types)}",
                suggestion=closest(kind, self._relationship_types),
            )
            return None
        relationship_type = self._relationship_types[kind]
        if relationship_type is None:
            return None
        properties = self._values.properties(
            entry.get("properties") or {}, relationship_type.schema, (*path, "properties")
        )
        if kind == ON_OPERATION:
            self._check_operation(path, target, properties)
        source, sink = self._sides(path, entry, relationship_type)
        self.tables.setdefault(name, NodeTables()).sides.append((source, sink))
        self.tables.setdefault(target, NodeTables()).incoming.append(sink)
        return {
            "type": kind,
            "target_id": target,
            "type_hierarchy": relationship_type.hierarchy,
            "properties": properties,
            "source_operations": source.operations,
            "target_operations": sink.operations,
        }

    def _sides(
        self, path: Path, entry: dict[str, Any], kind: RelationshipType
    ) -> tuple[OperationTable, OperationTable]:
        raw_source, raw_target = entry.get("source_interfaces"), entry.get("target_interfaces")
        if not raw_source and not raw_target:
            if kind.tables is None:
                kind.tables = (
                    self._operations.table(kind.source, {}, path),
                    self._operations.table(kind.target, {}, path),
                )
            return kind.tables
        source = self._interfaces.read((*path, "source_interfaces"), raw_source, declares=False)
        target = self._interfaces.read((*path, "target_interfaces"), raw_target, declares=False)
        return (
            self._operations.table(kind.source, source, path),
            self._operations.table(kind.target, target, path),
        )

    def _check_operation(self, path: Path, target: str, properties: Mapping[str, Any]) -> None:
        """A dependency on one operation of the target: the target's template has to have that operation."""
        operation = properties.get("operation")
        entry = self._raw[target]
        interfaces = entry.get("interfaces") if isinstance(entry, dict) else None
        lifecycle = interfaces.get(_LIFECYCLE) if isinstance(interfaces, dict) else None
        if not isinstance(operation, str) or not isinstance(lifecycle, dict) or operation not in lifecycle:
            self._problems.add(
                path,
                f"`{target}` does not define the operation `{operation}` in its `{_LIFECYCLE}`.",
                expected=f"one of {listing(lifecycle or ())}" if lifecycle else None,
            )
