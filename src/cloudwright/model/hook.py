"""Hooks: what a tenant wants done when something happens in one of its executions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from cloudwright.model.event import Event
from cloudwright.model.execution import END_STATUSES, CancelMode, ExecutionStatus, decide_cancel

S = ExecutionStatus

_STATUS_OF_EVENT: Mapping[str, ExecutionStatus] = MappingProxyType(
    {
        "workflow_started": S.STARTED,
        "workflow_succeeded": S.TERMINATED,
        "workflow_failed": S.FAILED,
        "workflow_cancelled": S.CANCELLED,
    }
)
#: The statuses that can trigger a hook: those whose beginning is an event.
HOOK_STATUSES = (
    S.STARTED,
    S.CANCELLING,
    S.FORCE_CANCELLING,
    S.KILL_CANCELLING,
    S.TERMINATED,
    S.FAILED,
    S.CANCELLED,
)


class DeliveryState(StrEnum):
    # To be tried, for the first time or again.
    PENDING = "pending"
    DELIVERED = "delivered"
    # Given up.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Hook:
    """``event_types`` may end with `*`. With a ``url`` it is a webhook, signed with the secret of the key
    ``secret``; otherwise ``workflow_id`` is started, on ``deployment_id`` or else on the deployment of what
    happened, which ``event_parameter`` names the parameter for.
    """

    id: str
    tenant: str
    event_types: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    of_deployment: str | None = None
    url: str | None = None
    secret: str | None = None
    workflow_id: str | None = None
    deployment_id: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict, repr=False)
    event_parameter: str | None = None
    enabled: bool = True
    created_by: str | None = None
    created_at: datetime | None = None

    def wants(self, event: Event) -> bool:
        """Return whether the event is one that it waits for, whatever execution it is of."""
        if event.event_type is None:
            return False
        if any(fnmatchcase(event.event_type, pattern) for pattern in self.event_types):
            return True
        return bool(self.statuses) and status_begun(event) in self.statuses


def status_begun(event: Event) -> ExecutionStatus | None:
    """Return the status of an execution that begins with this event; None if none does."""
    if event.event_type == "execution_cancel_requested":
        details = event.details
        status = decide_cancel(S(details["previous_status"]), CancelMode(details["mode"])).status
        return None if status in END_STATUSES else status
    return _STATUS_OF_EVENT.get(event.event_type or "")
