"""Groups of deployments."""

from __future__ import annotations

from cloudwright.model.rest.common import Label, Object, Owned


class DeploymentGroup(Owned, total=False):
    """``labels`` are given to every deployment that comes into the group. ``creation_counter`` counts the
    deployments that were made in it.
    """

    id: str
    description: str | None
    default_blueprint_id: str | None
    default_inputs: Object
    deployment_ids: list[str]
    labels: list[Label]
    creation_counter: int
    created_at: str
