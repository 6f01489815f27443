"""Updates of deployments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import DeploymentUpdate


class DeploymentUpdates(Collection["DeploymentUpdate"]):
    path = "/deployment-updates"

    def list(
        self, part: Slice = WHOLE, *, deployment_id: str | None = None, state: str | None = None
    ) -> Page[DeploymentUpdate]:
        return self._list(part, deployment_id=deployment_id, state=state)

    def start(
        self,
        deployment_id: str,
        *,
        blueprint_id: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        preview: bool = False,
        digest: str | None = None,
        **options: Any,
    ) -> DeploymentUpdate:
        """Update a deployment, or return what that would do; ``options`` are those of the REST API.

        Raises Conflict if the plan is not the one with that digest any more.
        """
        body = {
            "blueprint_id": blueprint_id,
            "inputs": dict(inputs or {}),
            "preview": preview,
            "digest": digest,
            **options,
        }
        path = self._one(deployment_id, "update", "initiate")
        return cast("DeploymentUpdate", self._transport.request("POST", path, json=body))

    def rollback(
        self,
        deployment_id: str,
        *,
        preview: bool = False,
        digest: str | None = None,
        skip: Sequence[str] = (),
    ) -> DeploymentUpdate:
        """Update a deployment to what it was before its last update, or return what that would do.

        Instances in ``skip`` are left as they are. Raises Conflict if the plan is not the one with that
        digest any more.
        """
        path = self._one(deployment_id, "update", "rollback")
        body = {"preview": preview, "digest": digest, "skip": list(skip)}
        return cast("DeploymentUpdate", self._transport.request("POST", path, json=body))
