"""Groups of executions."""

from __future__ import annotations

from cloudwright.model.rest.common import Owned


class ExecutionGroup(Owned, total=False):
    """``status`` follows from the executions: it is one of theirs. ``executions_by_status`` counts them.
    ``cancel_mode`` is the strongest request to stop the group; while there is one, none of it starts.
    """

    id: str
    deployment_group_id: str
    workflow_id: str
    status: str
    executions_by_status: dict[str, int]
    execution_ids: list[str]
    concurrency: int
    success_group_id: str | None
    failure_group_id: str | None
    cancel_mode: str | None
    cancel_requested_by: str | None
    cancel_requested_at: str | None
    created_at: str
