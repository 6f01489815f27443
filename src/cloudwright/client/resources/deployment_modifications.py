"""Modifications of deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import DeploymentModification


class DeploymentModifications(Collection["DeploymentModification"]):
    path = "/deployment-modifications"

    def list(
        self, part: Slice = WHOLE, *, deployment_id: str | None = None, status: str | None = None
    ) -> Page[DeploymentModification]:
        return self._list(part, deployment_id=deployment_id, status=status)

    def start(
        self, deployment_id: str, nodes: dict[str, Any], context: dict[str, Any] | None = None
    ) -> DeploymentModification:
        """Add node instances, and say which are to be removed."""
        body = {"deployment_id": deployment_id, "nodes": nodes, "context": context}
        return cast("DeploymentModification", self._transport.request("POST", self.path, json=body))

    def finish(self, identifier: str) -> DeploymentModification:
        return self._act(identifier, "finish")

    def rollback(self, identifier: str) -> DeploymentModification:
        return self._act(identifier, "rollback")

    def _act(self, identifier: str, action: str) -> DeploymentModification:
        answer = self._transport.request("POST", self._one(identifier, action))
        return cast("DeploymentModification", answer)
