"""A plan without repetition, for the way between processes and for the database.

Nodes of one type have the same operations, and mostly the same properties and plugins. In memory they share
them; as JSON each node would repeat them, twenty kilobytes and more. Packed, a plan has each distinct one
once, in ``shared``, and its nodes and relationships have the index of it instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

SHARED = "shared"
#: What nodes and relationships share, and which of it are tables of operations, whose operations are shared
#: again.
_VALUES = (
    "type_hierarchy",
    "properties",
    "capabilities",
    "plugins",
    "plugins_to_install",
    "deployment_plugins_to_install",
)
_TABLES = ("operations", "source_operations", "target_operations")


def is_packed(data: Mapping[str, Any]) -> bool:
    return SHARED in data


def pack(data: Mapping[str, Any]) -> dict[str, Any]:
    values, operations, tables = _Pool(), _Pool(), _Pool()

    def table(entries: dict[str, Any]) -> dict[str, int]:
        return {name: operations.index(operation) for name, operation in entries.items()}

    def one(entry: dict[str, Any]) -> dict[str, Any]:
        packed = dict(entry)
        for key in _VALUES:
            if key in packed:
                packed[key] = values.index(packed[key])
        for key in _TABLES:
            if key in packed:
                packed[key] = tables.index(packed[key], table)
        if "relationships" in packed:
            packed["relationships"] = [one(relationship) for relationship in packed["relationships"]]
        return packed

    nodes = [one(node) for node in data["nodes"]]
    shared = {"values": values.items, "operations": operations.items, "tables": tables.items}
    return {**data, "nodes": nodes, SHARED: shared}


def unpack(data: Mapping[str, Any]) -> dict[str, Any]:
    shared = data[SHARED]
    values, operations = shared["values"], shared["operations"]
    tables = [{name: operations[index] for name, index in table.items()} for table in shared["tables"]]

    def one(entry: dict[str, Any]) -> dict[str, Any]:
        full = dict(entry)
        for key in _VALUES:
            if key in full:
                full[key] = values[full[key]]
        for key in _TABLES:
            if key in full:
                full[key] = tables[full[key]]
        if "relationships" in full:
            full["relationships"] = [one(relationship) for relationship in full["relationships"]]
        return full

    plan = {key: value for key, value in data.items() if key != SHARED}
    plan["nodes"] = [one(node) for node in data["nodes"]]
    return plan


class _Pool:
    """Distinct objects, by identity, in the order in which they were met."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._known: dict[int, tuple[int, Any]] = {}

    def index(self, item: Any, form: Callable[[Any], Any] | None = None) -> int:
        known = self._known.get(id(item))
        if known is not None:
            return known[0]
        index = len(self.items)
        self.items.append(item if form is None else form(item))
        # The object is kept, so that its identity is not given to another one.
        self._known[id(item)] = (index, item)
        return index
