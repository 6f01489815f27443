"""The difference between what a deployment is and what another plan would make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cloudwright.planning.deployment import DeploymentPlan

ADD, REMOVE, MODIFY = "add", "remove", "modify"

_SECTIONS = (
    "outputs",
    "capabilities",
    "workflows",
    "groups",
    "policies",
    "scaling_groups",
    "labels",
    "resource_tags",
)
_OF_NODES = ("type", "capabilities", "plugins_to_install", "host_id")


@dataclass(frozen=True, slots=True)
class Change:
    """One step from the old plan to the new one.

    ``kind`` is ``node``, ``property``, ``operation``, ``relationship``, the name of a section such as
    ``outputs``, ``schedules``, or ``description``; ``entity`` its path, such as ``nodes:vm:properties:ip``.
    """

    action: str
    kind: str
    entity: str


def compare(old: DeploymentPlan, new: DeploymentPlan) -> list[Change]:
    """Return every change, removals of nodes first; an empty list if both plans make the same."""
    before = {node["id"]: node for node in old.nodes}
    after = {node["id"]: node for node in new.nodes}
    changes = [Change(REMOVE, "node", f"nodes:{name}") for name in before if name not in after]
    changes += [Change(ADD, "node", f"nodes:{name}") for name in after if name not in before]
    for name, node in after.items():
        # Compared as wholes first: of a large deployment most nodes stay as they are.
        if name in before and before[name] is not node and before[name] != node:
            changes.extend(_node(f"nodes:{name}", before[name], node))
    for section in _SECTIONS:
        changes.extend(_entries(section, section, getattr(old, section), getattr(new, section)))
    schedules = (plan.settings.get("default_schedules") or {} for plan in (old, new))
    changes.extend(_entries("schedules", "schedules", *schedules))
    if old.description != new.description:
        changes.append(Change(MODIFY, "description", "description"))
    return changes


def _node(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for key in _OF_NODES:
        if old.get(key) != new.get(key):
            yield Change(MODIFY, "node", f"{path}:{key}")
    yield from _entries("property", f"{path}:properties", old["properties"], new["properties"])
    yield from _entries("operation", f"{path}:operations", old["operations"], new["operations"])
    yield from _relationships(path, old["relationships"], new["relationships"])


def _relationships(path: str, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[Change]:
    """Relationships are the same if type and target are; their order is a change of its own."""
    before, after = _by_target(old), _by_target(new)
    for key, entry in before.items():
        if key not in after:
            yield Change(REMOVE, "relationship", f"{path}:relationships:[{old.index(entry)}]")
    for key, entry in after.items():
        place = f"{path}:relationships:[{new.index(entry)}]"
        if key not in before:
            yield Change(ADD, "relationship", place)
            continue
        earlier = before[key]
        yield from _entries("property", f"{place}:properties", earlier["properties"], entry["properties"])
        for side in ("source_operations", "target_operations"):
            yield from _entries("operation", f"{place}:{side}", earlier[side], entry[side])
    kept = [key for key in before if key in after]
    if kept != [key for key in after if key in before]:
        yield Change(MODIFY, "relationship", f"{path}:relationships")


def _by_target(relationships: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(entry["type"], entry["target_id"]): entry for entry in relationships}


def _entries(kind: str, path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    if old is new:
        return
    for name in old:
        if name not in new:
            yield Change(REMOVE, kind, f"{path}:{name}")
    for name, entry in new.items():
        if name not in old:
            yield Change(ADD, kind, f"{path}:{name}")
        elif old[name] is not entry and old[name] != entry:
            yield Change(MODIFY, kind, f"{path}:{name}")
