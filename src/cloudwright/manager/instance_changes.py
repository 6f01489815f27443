"""The instances that an update adds, recreates, changes and removes, with the reason of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudwright.model.instance_changes import Action, Decision, Staying, decide
from cloudwright.model.topology import NodeInstance, RelationshipInstance
from cloudwright.planning import Modification, container_of

Nodes = Mapping[str, Mapping[str, Any]]

# Nodes that are alike in these are one node with another name.
_IDENTITY = ("type", "properties", "operations", "relationships")


@dataclass(frozen=True, slots=True)
class InstanceChange:
    id: str
    node_id: str
    action: Action
    reason: str


def instance_changes(
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    there: Sequence[NodeInstance],
    change: Modification,
    changed: Mapping[str, Sequence[str]],
    options: Mapping[str, Any],
) -> list[InstanceChange]:
    """Return what becomes of instances, as far as it is known before their status and drift are checked.

    What is destroyed and recreated comes first.
    """
    old, new = ({node["id"]: node for node in nodes} for nodes in (before, after))
    removed = {one.id for one in change.removed}
    staying = [
        Staying(
            one.id,
            one.node_id,
            one.state,
            container_of(one, old[one.node_id]),
            old[one.node_id]["operations"],
        )
        for one in there
        if one.id not in removed
    ]
    decision = decide(staying, changed, options)
    node_of = {one.id: one.node_id for one in there}
    return [
        *(InstanceChange(id, node_of[id], Action.REPLACE, why) for id, why in decision.replaced.items()),
        *_added(old, new, change, options),
        *_updated(node_of, decision, change),
        *_removed(new, change, options),
    ]


def _added(
    old: Nodes, new: Nodes, change: Modification, options: Mapping[str, Any]
) -> Iterator[InstanceChange]:
    gone = [node for name, node in old.items() if name not in new]
    skipped = ", not installed: skip_install" if options["skip_install"] else ""
    for one in change.added:
        if one.node_id in old:
            reason = "one more of its node"
        else:
            alike = [node["id"] for node in gone if _is_alike(node, new[one.node_id])]
            reason = f"new node; is it {alike[0]}, renamed?" if alike else "new node"
        yield InstanceChange(one.id, one.node_id, Action.ADD, reason + skipped)


def _is_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one[key] == other[key] for key in _IDENTITY)


def _updated(
    node_of: Mapping[str, str], decision: Decision, change: Modification
) -> Iterator[InstanceChange]:
    reasons: dict[str, list[str]] = {
        id: [f"if it has drifted: {why}"] for id, why in decision.updated.items()
    }
    for found, verb in ((change.extended, "linked to"), (change.reduced, "unlinked from")):
        for id, relationships in found.items():
            if id not in decision.replaced:
                reasons.setdefault(id, []).append(f"{verb} {_targets(relationships)}")
    for id, why in reasons.items():
        yield InstanceChange(id, node_of[id], Action.UPDATE, "; ".join(why))


def _targets(relationships: Sequence[RelationshipInstance]) -> str:
    return ", ".join(entry["target_id"] for entry in relationships)


def _removed(new: Nodes, change: Modification, options: Mapping[str, Any]) -> Iterator[InstanceChange]:
    for one in change.removed:
        skipped = ", not uninstalled: skip_uninstall" if options["skip_uninstall"] else ""
        if one.id in (options.get("skip") or ()):
            skipped = ", not uninstalled but left behind: skip"
        reason = (
            "its node goes"
            if one.node_id not in new
            else "there are to be fewer, or it is contained elsewhere"
        )
        yield InstanceChange(one.id, one.node_id, Action.REMOVE, reason + skipped)
