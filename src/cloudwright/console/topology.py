"""The topology of a deployment: its nodes as boxes, in columns by what they depend on.

The layout follows from the nodes and their relationships alone, so no box moves when states change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 196, 62
_COLUMN, _ROW, _EDGE = WIDTH + 74, HEIGHT + 22, 8
#: More nodes than this are shown as a table only.
MOST_NODES = 150


@dataclass(frozen=True, slots=True)
class Box:
    """A node: where it is, how many instances are in which state, and where those of its host are."""

    node: Mapping[str, Any]
    x: int
    y: int
    states: Sequence[tuple[str, int]]
    state: str


@dataclass(frozen=True, slots=True)
class Line:
    """A relationship, from the source to what it depends on."""

    path: str
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Topology:
    boxes: Sequence[Box] = ()
    lines: Sequence[Line] = ()
    width: int = 0
    height: int = 0


def draw(nodes: Sequence[Mapping[str, Any]], instances: Sequence[Mapping[str, Any]]) -> Topology:
    """Return where everything is drawn; nothing if it is too much to be looked at."""
    if not nodes or len(nodes) > MOST_NODES:
        return Topology()
    states: dict[str, Counter[str]] = {node["id"]: Counter() for node in nodes}
    for instance in instances:
        states.get(instance["node_id"], Counter())[instance["state"]] += 1
    depths = _depths(nodes)
    places: dict[str, tuple[int, int]] = {}
    rows: Counter[int] = Counter()
    for node in nodes:
        column = depths[node["id"]]
        places[node["id"]] = _EDGE + column * _COLUMN, _EDGE + rows[column] * _ROW
        rows[column] += 1
    boxes = [
        Box(node, *places[node["id"]], sorted(states[node["id"]].items()), _worst(states[node["id"]]))
        for node in nodes
    ]
    lines = [
        Line(
            _path(places[node["id"]], places[relationship["target_id"]]),
            "contained" if _is_contained(relationship) else "connected",
            f"{node['id']} {relationship['type'].rsplit('.', 1)[-1]} {relationship['target_id']}",
        )
        for node in nodes
        for relationship in node["relationships"]
        if relationship["target_id"] in places
    ]
    width = (max(depths.values()) + 1) * _COLUMN - (_COLUMN - WIDTH) + 2 * _EDGE
    return Topology(boxes, lines, width, max(rows.values()) * _ROW - (_ROW - HEIGHT) + 2 * _EDGE)


def _depths(nodes: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return for each node the longest way to one that depends on nothing. A circle ends where it began."""
    targets = {node["id"]: [each["target_id"] for each in node["relationships"]] for node in nodes}
    depths: dict[str, int] = {}
    for start in targets:
        pending = [(start, iter(targets[start]))]
        entered = {start}
        while pending:
            name, rest = pending[-1]
            following = next((each for each in rest if each in targets), None)
            if following is None:
                depths[name] = 1 + max((depths.get(each, -1) for each in targets[name]), default=-1)
                pending.pop()
                entered.discard(name)
            elif following not in depths and following not in entered:
                pending.append((following, iter(targets[following])))
                entered.add(following)
    return depths


def _path(source: tuple[int, int], target: tuple[int, int]) -> str:
    x1, y1 = source[0], source[1] + HEIGHT // 2
    x2, y2 = target[0] + WIDTH, target[1] + HEIGHT // 2
    bend = max(30, abs(x1 - x2) // 2)
    return f"M{x1} {y1}C{x1 - bend} {y1} {x2 + bend} {y2} {x2} {y2}"


def _is_contained(relationship: Mapping[str, Any]) -> bool:
    return any(name.endswith("contained_in") for name in relationship["type_hierarchy"])


def _worst(states: Counter[str]) -> str:
    """Return the one state that a node's instances share, or what is on the way."""
    if not states:
        return "none"
    return next(iter(states)) if len(states) == 1 else "mixed"
