"""Nodes and node instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import Node, NodeInstance


class Nodes(Collection["Node"]):
    path = "/nodes"

    def list(
        self,
        part: Slice = WHOLE,
        *,
        deployment_id: str | None = None,
        node_id: str | None = None,
        evaluate_functions: bool = False,
    ) -> Page[Node]:
        return self._list(
            part,
            deployment_id=deployment_id,
            id=node_id,
            _evaluate_functions=evaluate_functions or None,
        )


class NodeInstances(Collection["NodeInstance"]):
    path = "/node-instances"

    def list(
        self, part: Slice = WHOLE, *, deployment_id: str | None = None, node_id: str | None = None
    ) -> Page[NodeInstance]:
        return self._list(part, deployment_id=deployment_id, node_id=node_id)
