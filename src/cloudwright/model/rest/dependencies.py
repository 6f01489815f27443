"""Dependencies between deployments."""

from __future__ import annotations

from typing import Any

from cloudwright.model.rest.common import Owned


class InterDeploymentDependency(Owned, total=False):
    """``source_deployment_id`` uses ``target_deployment_id``; ``dependency_creator`` says what of it does."""

    id: str
    dependency_creator: str
    source_deployment_id: str | None
    target_deployment_id: str | None
    target_deployment_func: Any
    external_source: Any
    external_target: Any
    created_at: str
