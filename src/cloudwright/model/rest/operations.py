"""Operations, and the task graphs that they belong to."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from cloudwright.model.rest.common import Object


class Operation(TypedDict, total=False):
    """``residual``: it still runs although its execution is over."""

    id: str
    name: str
    type: str
    state: str
    residual: bool
    attempt: int
    tasks_graph_id: str | None
    execution_id: str
    dependencies: list[str]
    parameters: Object
    result: Any
    failure: Object | None
    plugin: str | None
    executor: str | None
    node_instance_id: str | None
    source_id: str | None
    target_id: str | None
    agent_name: str | None
    manager_name: str | None
    pid: int | None
    created_at: str
    sent_at: str | None
    started_at: str | None
    ended_at: str | None


class TasksGraph(TypedDict, total=False):
    id: str
    execution_id: str
    name: str
    created_at: str
