"""The sections ``node_types`` and ``relationships``: what nodes and relationships can be of, with all they
inherit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cloudwright.dsl.hierarchy import note_cycles, note_depth, ordered, parents
from cloudwright.dsl.interfaces import InterfaceReader, Interfaces, Operations, OperationTable, derive
from cloudwright.dsl.lint import Linter
from cloudwright.dsl.schemas import SchemaReader
from cloudwright.dsl.structure_checks import MAPPING, STRING, Checker, Shape
from cloudwright.dsl.values import Schema

HOST_TYPE = "cloudify.nodes.Compute"
DEPENDS_ON = "cloudify.relationships.depends_on"
CONTAINED_IN = "cloudify.relationships.contained_in"
CONNECTED_TO = "cloudify.relationships.connected_to"

NODE_TYPE: Shape = {
    "derived_from": STRING,
    "interfaces": MAPPING,
    "properties": MAPPING,
    "runtime_properties": MAPPING,
}
RELATIONSHIP: Shape = {
    "derived_from": STRING,
    "properties": MAPPING,
    "source_interfaces": MAPPING,
    "target_interfaces": MAPPING,
}


@dataclass(slots=True)
class NodeType:
    name: str
    hierarchy: list[str]
    schema: Schema
    interfaces: Interfaces
    is_host: bool
    #: The operations of nodes that add none of their own, made for the first of them.
    table: OperationTable | None = None


@dataclass(slots=True)
class RelationshipType:
    name: str
    hierarchy: list[str]
    schema: Schema
    source: Interfaces
    target: Interfaces
    derived_from: str | None
    tables: tuple[OperationTable, OperationTable] | None = None


class TypeReader:
    def __init__(
        self, checker: Checker, schemas: SchemaReader, interfaces: InterfaceReader, linter: Linter
    ) -> None:
        self._checker = checker
        self._schemas = schemas
        self._interfaces = interfaces
        self._linter = linter

    def node_types(self, raw: Any) -> dict[str, NodeType | None]:
        """Node types by name; None for one that is wrong, or derived from one that is."""
        section = "node_types"
        result: dict[str, NodeType | None] = {}
        for name, entry, parent_name in self._derived(section, raw, NODE_TYPE, "node type", result):
            parent = result.get(parent_name or "")
            path = (section, name)
            own = self._schemas.properties((*path, "properties"), entry.get("properties"))
            self._schemas.properties((*path, "runtime_properties"), entry.get("runtime_properties"))
            interfaces = self._interfaces.read((*path, "interfaces"), entry.get("interfaces"), declares=True)
            declared = own.declared
            hierarchy = [name]
            if parent is not None:
                declared = self._schemas.derive(own, parent.schema.properties, (*path, "properties"))
                self._linter.operations(interfaces, parent.interfaces)
                interfaces = derive(interfaces, parent.interfaces)
                hierarchy = [*parent.hierarchy, name]
            is_host = any(HOST_TYPE in ancestor for ancestor in hierarchy)
            result[name] = NodeType(
                name, hierarchy, Schema(f"The node type `{name}`", declared), interfaces, is_host
            )
        return result

    def relationships(self, raw: Any, operations: Operations) -> dict[str, RelationshipType | None]:
        """Relationship types by name; None for one that is wrong, or derived from one that is."""
        section = "relationships"
        result: dict[str, RelationshipType | None] = {}
        for name, entry, parent_name in self._derived(
            section, raw, RELATIONSHIP, "relationship type", result
        ):
            parent = result.get(parent_name or "")
            path = (section, name)
            own = self._schemas.properties((*path, "properties"), entry.get("properties"))
            sides = [
                self._interfaces.read((*path, side), entry.get(side), declares=True)
                for side in ("source_interfaces", "target_interfaces")
            ]
            declared = own.declared
            hierarchy = [name]
            if parent is not None:
                declared = self._schemas.derive(own, parent.schema.properties, (*path, "properties"))
                for side, over in zip(sides, (parent.source, parent.target), strict=True):
                    self._linter.operations(side, over)
                sides = [
                    derive(side, over)
                    for side, over in zip(sides, (parent.source, parent.target), strict=True)
                ]
                hierarchy = [*parent.hierarchy, name]
            for side in sides:
                operations.validate(side)
            result[name] = RelationshipType(
                name=name,
                hierarchy=hierarchy,
                schema=Schema(f"The relationship type `{name}`", declared),
                source=sides[0],
                target=sides[1],
                derived_from=parent_name,
            )
        return result

    def _derived(
        self, section: str, raw: Any, shape: Shape, kind: str, result: dict[str, Any]
    ) -> list[tuple[str, dict[str, Any], str | None]]:
        """Return the types that can be read, parents first; all others are in ``result`` as None."""
        if raw is None or not self._checker.names((section,), raw):
            return []
        result.update(dict.fromkeys(raw))
        usable = {
            name: entry for name, entry in raw.items() if self._usable(section, name, entry, shape, kind)
        }
        known = parents(self._checker.problems, section, raw, kind)

        def needs(name: str) -> list[str]:
            return [known[name]] if known.get(name) in usable else []

        order, cycles = ordered(usable, needs)
        broken = note_cycles(self._checker.problems, section, cycles, "Types are derived from each other")
        broken |= note_depth(self._checker.problems, section, order, needs)
        readable: list[tuple[str, dict[str, Any], str | None]] = []
        for name in order:
            entry = usable[name]
            parent = entry.get("derived_from")
            if name in broken or (parent is not None and (parent not in usable or parent in broken)):
                broken.add(name)
            else:
                readable.append((name, entry, parent))
        return readable

    def _usable(self, section: str, name: str, entry: Any, shape: Shape, kind: str) -> bool:
        if entry is None:
            self._checker.problems.add(
                (section, name), f"This {kind} is empty.", key=True, expected="a mapping, or {}"
            )
            return False
        return self._checker.fields((section, name), entry, shape, kind)
