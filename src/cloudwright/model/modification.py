"""A change of how many instances a deployment has, from its start to its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cloudwright.model.topology import DELETED, NodeInstance

CONTAINED_IN = "cloudify.relationships.contained_in"
#: States of an instance of which nothing is there.
GONE = frozenset({DELETED, "uninitialized"})


class ModificationStatus(StrEnum):
    # Its execution is going on, or it was started without one.
    STARTED = "started"
    # What was to be added is there, and what was to be removed is gone.
    FINISHED = "finished"
    # Everything is as it was before.
    ROLLEDBACK = "rolledback"
    # Its execution ended first: some of it may be done.
    FAILED = "failed"
    CANCELLED = "cancelled"


M = ModificationStatus
#: An execution that is resumed takes these up again.
REOPENABLE = frozenset({M.FAILED, M.CANCELLED})


@dataclass(frozen=True, slots=True)
class Modification:
    """One modification.

    ``execution_id`` is the execution that it belongs to, ``step`` its number among those of the execution,
    and ``resumed`` how often that had been resumed when it was started. ``modified_nodes`` is the request.
    ``added`` are the new instances, ``removed`` the ids of those that are to go; ``related`` are ids of
    instances that gain or lose relationships, with what they have when it is finished.
    """

    id: str
    tenant: str
    deployment_id: str
    status: ModificationStatus
    modified_nodes: dict[str, Any]
    added: list[dict[str, Any]] = field(repr=False)
    removed: list[str] = field(repr=False)
    related: dict[str, list[Any]] = field(repr=False)
    targets: list[str] = field(repr=False)
    before: list[dict[str, Any]] = field(repr=False)
    context: Any = None
    reason: str | None = None
    execution_id: str | None = None
    step: int | None = None
    resumed: int = 0
    created_by: str | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_going_on(self) -> bool:
        return self.status is M.STARTED


def counts(
    nodes: Iterable[Mapping[str, Any]], instances: Iterable[NodeInstance], names: Iterable[str]
) -> dict[str, int]:
    """Return how many instances the nodes and scaling groups ``names`` have, each in that instance of what it
    is contained in that has the most.
    """
    containers = {node["id"]: _container(node) for node in nodes}
    members: dict[str, dict[str | None, set[str]]] = {name: {} for name in names}
    for instance in instances:
        container = containers.get(instance.node_id)
        around: str | None = next(
            (entry["target_id"] for entry in instance.relationships if entry["target_name"] == container),
            None,
        )
        chain = [(instance.node_id, instance.id)]
        chain += [(group["name"], group["id"]) for group in instance.scaling_groups]
        for place, (name, id) in enumerate(chain):
            if name in members:
                parent = chain[place + 1][1] if place + 1 < len(chain) else around
                members[name].setdefault(parent, set()).add(id)
    return {name: max(map(len, found.values()), default=0) for name, found in members.items()}


def _container(node: Mapping[str, Any]) -> str | None:
    for relationship in node.get("relationships") or ():
        if CONTAINED_IN in (relationship.get("type_hierarchy") or ()):
            return str(relationship["target_id"])
    return None
