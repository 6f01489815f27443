"""Nodes without repetition, for the database and for the way between processes.

Nodes of one type have the same operations, and mostly the same plugins and properties: twenty kilobytes and
more that each would repeat as JSON. Packed, what several nodes or relationships have in common is kept once,
in ``shared``, and they have the index of it instead. What only one has stays with it, so that reading one
node never means reading what is another's. Content counts, not identity: nodes that were read one by one
share as well as those that were made together.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

#: The key of a packed plan, or of a frame with packed nodes, that holds what they share.
SHARED = "shared"

Node = dict[str, Any]
#: ``{"values": [...], "operations": [...], "tables": [{name: operation, or the index of one}]}``
Shared = dict[str, list[Any]]

# What nodes and relationships share, and which of it are tables of operations, whose operations are shared
# again. None of it is ever a number, so that a number is always an index.
_VALUES = (
    "type_hierarchy",
    "properties",
    "capabilities",
    "plugins",
    "plugins_to_install",
    "deployment_plugins_to_install",
)
_TABLES = ("operations", "source_operations", "target_operations")


def pack(nodes: Iterable[Node]) -> tuple[list[Node], Shared]:
    """Return the nodes with indexes for what they have in common, and what that is."""
    nodes = list(nodes)
    operations = _Pool(_text)
    # Two tables are the same if they name the same operations, which spares writing out all of each.
    tables = _Pool(lambda table: tuple((name, operations.key(item)) for name, item in table.items()))
    values = _Pool(_text)
    for node in nodes:
        for entry in (node, *node.get("relationships", ())):
            for key in _VALUES:
                if key in entry:
                    values.meet(entry[key])
            for key in _TABLES:
                if entry.get(key) and tables.meet(entry[key]):
                    for operation in entry[key].values():
                        operations.meet(operation)

    def table(entries: Node) -> Node:
        return {name: operations.packed(operation) for name, operation in entries.items()}

    def one(entry: Node) -> Node:
        packed = dict(entry)
        for key in _VALUES:
            if key in packed:
                packed[key] = values.packed(packed[key])
        for key in _TABLES:
            if packed.get(key):
                packed[key] = tables.packed(packed[key], table)
        if "relationships" in packed:
            packed["relationships"] = [one(relationship) for relationship in packed["relationships"]]
        return packed

    return [one(node) for node in nodes], {
        "values": values.items,
        "operations": operations.items,
        "tables": tables.items,
    }


class Unpacking:
    """Makes nodes whole again. What was shared is one object in all of them, so none may be changed in
    place.
    """

    def __init__(self, shared: Mapping[str, list[Any]] | None) -> None:
        """``shared`` is None for nodes that were never packed; they stay as they are."""
        self._shared = shared is not None
        shared = shared or {}
        self._values = shared.get("values", [])
        self._operations = shared.get("operations", [])
        self._tables = [self._table(table) for table in shared.get("tables", ())]

    def node(self, packed: Node) -> Node:
        return self._whole(packed) if self._shared else packed

    def _whole(self, packed: Node) -> Node:
        whole = dict(packed)
        for key in _VALUES:
            if isinstance(whole.get(key), int):
                whole[key] = self._values[whole[key]]
        for key in _TABLES:
            table = whole.get(key)
            if isinstance(table, int):
                whole[key] = self._tables[table]
            elif table:
                whole[key] = self._table(table)
        if "relationships" in whole:
            whole["relationships"] = [self._whole(relationship) for relationship in whole["relationships"]]
        return whole

    def _table(self, packed: Node) -> Node:
        return {
            name: self._operations[entry] if isinstance(entry, int) else entry
            for name, entry in packed.items()
        }


def pack_plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan with its nodes packed (docs/reference/plan.md)."""
    nodes, shared = pack(plan["nodes"])
    return {**plan, "nodes": nodes, SHARED: shared}


def unpack_plan(packed: Mapping[str, Any]) -> dict[str, Any]:
    """What ``pack_plan`` was given; a plan that is not packed stays as it is."""
    plan = dict(packed)
    whole = Unpacking(plan.pop(SHARED, None))
    plan["nodes"] = [whole.node(node) for node in plan["nodes"]]
    return plan


def _text(value: Any) -> str:
    return json.dumps(value)


class _Pool:
    """Values, distinguished by their content. Those that occur more than once get an index, in the order in
    which they are packed.
    """

    def __init__(self, content: Callable[[Any], Any]) -> None:
        self.items: list[Any] = []
        self._content = content
        # By identity, so that the content of what is one object is looked at once. The object is kept, so
        # that its identity is not given to another one.
        self._keys: dict[int, tuple[int, Any]] = {}
        self._by_content: dict[Any, int] = {}
        self._count: Counter[int] = Counter()
        self._index: dict[int, int] = {}

    def key(self, value: Any) -> int:
        """Return a number for the value's content."""
        known = self._keys.get(id(value))
        if known is not None:
            return known[0]
        key = self._by_content.setdefault(self._content(value), len(self._by_content))
        self._keys[id(value)] = (key, value)
        return key

    def meet(self, value: Any) -> bool:
        """Count the value; True if its content was not met before."""
        key = self.key(value)
        self._count[key] += 1
        return self._count[key] == 1

    def packed(self, value: Any, form: Callable[[Any], Any] | None = None) -> Any:
        """Return the index of the value if it occurs more than once, else the value; ``form`` makes of a
        value what is stored.
        """
        key = self.key(value)
        if self._count[key] <= 1:
            return value if form is None else form(value)
        index = self._index.get(key)
        if index is None:
            index = self._index[key] = len(self.items)
            self.items.append(value if form is None else form(value))
        return index
