"""Modifications of deployments."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from cloudwright.model.rest.common import Object, Owned


class ModifiedInstances(TypedDict):
    """Node instances; those that are added or removed say so in ``modification``."""

    added_and_related: list[Object]
    removed_and_related: list[Object]
    before_modification: list[Object]
    before_rollback: list[Object]


class DeploymentModification(Owned, total=False):
    """``execution_id`` is the execution that it belongs to, ``reason`` why it was taken back."""

    id: str
    deployment_id: str
    status: str
    modified_nodes: Object
    node_instances: ModifiedInstances
    context: Any
    reason: str | None
    execution_id: str | None
    created_at: str | None
    ended_at: str | None
