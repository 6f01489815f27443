"""Events and log lines."""

from __future__ import annotations

from typing_extensions import TypedDict

from cloudwright.model.rest.common import Object


class Event(TypedDict, total=False):
    """An event, or a log line: then ``type`` is ``cloudify_log`` and ``level`` says which."""

    id: int
    _storage_id: int
    timestamp: str
    reported_timestamp: str
    type: str
    event_type: str | None
    level: str | None
    logger: str | None
    message: str
    execution_id: str
    execution_group_id: None
    workflow_id: str | None
    deployment_id: str | None
    deployment_display_name: str | None
    blueprint_id: str | None
    node_name: str | None
    node_instance_id: str | None
    source_id: str | None
    target_id: str | None
    operation: str | None
    operation_id: str | None
    agent_name: str | None
    manager_name: str | None
    error_causes: list[Object] | None
    details: Object
