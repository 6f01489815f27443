"""Nodes and their instances, as records.

A *node* is a node template of a deployment; its dictionary has the shape that the REST API shows (see
``docs/reference/plan.md``), because workflows and plugins read the same keys. A *node instance* is one real
thing made from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict

#: The state of an instance of which nothing is left.
DELETED = "deleted"


class RelationshipInstance(TypedDict):
    """One relationship of a node instance: which instance it points at, and by which type."""

    target_id: str
    target_name: str
    type: str


@dataclass(slots=True)
class NodeInstance:
    """``version`` grows with every stored change of runtime properties; ``index`` counts instances of a
    node from 1.
    """

    id: str
    node_id: str
    deployment_id: str
    host_id: str | None = None
    index: int = 1
    state: str = "uninitialized"
    version: int = 1
    runtime_properties: dict[str, Any] = field(default_factory=dict)
    relationships: list[RelationshipInstance] = field(default_factory=list)
    scaling_groups: list[dict[str, str]] = field(default_factory=list)
    system_properties: dict[str, Any] = field(default_factory=dict)
