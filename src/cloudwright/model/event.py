"""Events and logs: one record for both, as the REST API shows both in one list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

EVENT = "cloudify_event"
LOG = "cloudify_log"

#: The types of events that say what the engine did with an execution. Only the engine stores them.
ENGINE_TYPES = frozenset(
    {
        "execution_cancel_requested",
        "execution_child_started",
        "execution_cleanup_started",
        "execution_dequeued",
        "execution_resumed",
        "execution_scheduled",
        "execution_taken_over",
        "workflow_cancelled",
        "workflow_failed",
        "workflow_process_dead",
        "workflow_started",
        "workflow_succeeded",
    }
)


def reported_type(event_type: str | None) -> str | None:
    """Return the type under which an event of a workflow, a plugin or a client is stored.

    A type of the engine's gets ``reported_`` in front, so that no event looks like a cancel request or an end
    that never was.
    """
    return f"reported_{event_type}" if event_type in ENGINE_TYPES else event_type


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in an execution.

    ``kind`` is EVENT (then ``event_type`` names what) or LOG (then ``level`` and ``logger`` are set).
    ``details`` is what a program may want: the exit signal, who asked, the process id.
    """

    execution_id: str
    timestamp: datetime
    message: str
    kind: str = EVENT
    event_type: str | None = None
    level: str | None = None
    logger: str | None = None
    node_instance_id: str | None = None
    source_id: str | None = None
    target_id: str | None = None
    operation: str | None = None
    operation_id: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
