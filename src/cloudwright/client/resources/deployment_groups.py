"""Groups of deployments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import UPLOAD_TIMEOUT, WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import DeploymentGroup


class DeploymentGroups(Collection["DeploymentGroup"]):
    path = "/deployment-groups"

    def list(self, part: Slice = WHOLE) -> Page[DeploymentGroup]:
        return self._list(part)

    def put(
        self,
        group_id: str,
        *,
        description: str | None = None,
        blueprint_id: str | None = None,
        default_inputs: Mapping[str, Any] | None = None,
        labels: Sequence[Mapping[str, str]] | None = None,
        visibility: str | None = None,
        deployment_ids: Sequence[str] | None = None,
        new_deployments: Sequence[Mapping[str, Any]] | None = None,
    ) -> DeploymentGroup:
        """Create a group, or change what is not None; ``deployment_ids`` are then its only deployments.

        Raises NotFound, BadRequest, and what making a deployment raises.
        """
        body = {
            "description": description,
            "blueprint_id": blueprint_id,
            "default_inputs": None if default_inputs is None else dict(default_inputs),
            "labels": None if labels is None else list(labels),
            "visibility": visibility,
            "deployment_ids": None if deployment_ids is None else list(deployment_ids),
            "new_deployments": None if new_deployments is None else list(new_deployments),
        }
        return self._send("PUT", group_id, body)

    def add(self, group_id: str, **members: Any) -> DeploymentGroup:
        """Take deployments in: ``deployment_ids``, ``filter_id``, ``filter_rules``,
        ``deployments_from_group``, and ``new_deployments``, which are made. Raises NotFound.
        """
        return self._send("PATCH", group_id, {"add": members})

    def remove(self, group_id: str, **members: Any) -> DeploymentGroup:
        """Take deployments out, which are named as for ``add``. Raises NotFound."""
        return self._send("PATCH", group_id, {"remove": members})

    def delete(self, group_id: str, *, delete_deployments: bool = False, force: bool = False) -> None:
        """Delete a group; ``delete_deployments`` deletes its deployments too, all or none of them.

        Raises NotFound, and Conflict if a deployment cannot be deleted without ``force``.
        """
        params = {"delete_deployments": str(delete_deployments).lower(), "force": str(force).lower()}
        self._transport.request("DELETE", self._one(group_id), params=params, timeout=UPLOAD_TIMEOUT)

    def _send(self, method: str, group_id: str, body: Any) -> DeploymentGroup:
        # Making many deployments takes a while.
        answer = self._transport.request(method, self._one(group_id), json=body, timeout=UPLOAD_TIMEOUT)
        return cast("DeploymentGroup", answer)
