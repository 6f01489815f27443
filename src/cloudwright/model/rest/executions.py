"""Executions."""

from __future__ import annotations

from cloudwright.model.rest.common import Object, Owned


class Execution(Owned, total=False):
    """``residual_operations`` counts the operations that still run although the execution is over.

    ``deadline`` is when a standard cancellation becomes a forced one by itself. ``is_resumable`` says whether
    a resume can help: it is over without success, and its workflow may be called again. ``parent_id`` is the
    execution that started this one and waits for it.
    """

    id: str
    workflow_id: str
    deployment_id: str | None
    deployment_display_name: str | None
    blueprint_id: str | None
    status: str
    status_display: str
    error: str | None
    parameters: Object
    is_system_workflow: bool
    is_dry_run: bool
    allow_custom_parameters: bool
    created_at: str
    scheduled_for: str | None
    started_at: str | None
    ended_at: str | None
    total_operations: int
    finished_operations: int
    resumed: int
    is_resumable: bool
    cancel_mode: str | None
    cancel_requested_by: str | None
    cancel_requested_at: str | None
    deadline: str | None
    parent_id: str | None
    residual_operations: int
