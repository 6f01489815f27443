"""Hooks and their deliveries."""

from __future__ import annotations

from typing_extensions import TypedDict

from cloudwright.model.rest.common import Object


class Hook(TypedDict, total=False):
    """``url`` and ``secret`` are of webhooks; ``workflow_id``, ``deployment_id``, ``parameters`` and
    ``event_parameter`` of hooks that start a workflow. ``of_deployment`` narrows what triggers it.
    """

    id: str
    tenant_name: str
    event_types: list[str]
    statuses: list[str]
    of_deployment: str | None
    url: str | None
    secret: str | None
    workflow_id: str | None
    deployment_id: str | None
    parameters: Object
    event_parameter: str | None
    enabled: bool
    created_by: str | None
    created_at: str | None


class HookDelivery(TypedDict, total=False):
    """``state`` is `pending`, `delivered` or `failed`. ``error`` and ``response_status`` are of the last
    attempt, ``execution_id`` of what happened, ``started_execution`` of what the hook started.
    """

    id: str
    hook_id: str
    execution_id: str
    event_type: str
    state: str
    attempts: int
    next_attempt_at: str | None
    response_status: int | None
    error: str | None
    started_execution: str | None
    created_at: str
    ended_at: str | None
