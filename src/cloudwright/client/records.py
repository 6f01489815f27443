"""The API's records, as the dictionaries they are: a manager may send more keys than are named here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypedDict, TypeGuard, TypeVar

END_STATUSES = frozenset({"terminated", "failed", "cancelled"})


class Blueprint(TypedDict, total=False):
    id: str
    main_file_name: str
    description: str | None
    state: str
    error: str | None
    plan: dict[str, Any]
    labels: list[dict[str, Any]]
    visibility: str
    tenant_name: str
    created_by: str
    created_at: str
    updated_at: str
    warnings: list[Problem]


class Deployment(TypedDict, total=False):
    id: str
    display_name: str
    blueprint_id: str
    description: str | None
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    capabilities: dict[str, Any]
    workflows: list[Workflow]
    labels: list[dict[str, Any]]
    site_name: str | None
    installation_status: str | None
    deployment_status: str | None
    visibility: str
    tenant_name: str
    created_by: str
    created_at: str
    updated_at: str


class Workflow(TypedDict, total=False):
    name: str
    plugin: str
    operation: str
    parameters: dict[str, dict[str, Any]]
    is_available: bool
    availability_rules: dict[str, Any] | None
    is_cascading: bool


class Execution(TypedDict, total=False):
    id: str
    workflow_id: str
    deployment_id: str | None
    blueprint_id: str | None
    status: str
    status_display: str
    error: str | None
    parameters: dict[str, Any]
    is_system_workflow: bool
    is_dry_run: bool
    created_by: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    scheduled_for: str | None
    total_operations: int | None
    finished_operations: int | None
    residual_operations: int
    cancel_mode: str | None
    cancel_requested_by: str | None
    cancel_requested_at: str | None
    deadline: str | None
    visibility: str
    tenant_name: str


class Operation(TypedDict, total=False):
    id: str
    name: str
    type: str
    state: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    agent_name: str | None
    manager_name: str | None
    pid: int | None
    attempt: int
    residual: bool
    parameters: dict[str, Any]


class Event(TypedDict, total=False):
    id: int
    timestamp: str
    reported_timestamp: str
    type: str
    event_type: str | None
    level: str | None
    logger: str | None
    message: str
    execution_id: str
    workflow_id: str
    deployment_id: str
    blueprint_id: str
    node_name: str | None
    node_instance_id: str | None
    source_id: str | None
    target_id: str | None
    operation: str | None
    operation_id: str | None
    agent_name: str | None
    manager_name: str | None
    error_causes: list[dict[str, Any]] | None
    details: dict[str, Any]


class Node(TypedDict, total=False):
    id: str
    deployment_id: str
    blueprint_id: str
    host_id: str | None
    type: str
    type_hierarchy: list[str]
    properties: dict[str, Any]
    operations: dict[str, dict[str, Any]]
    number_of_instances: int
    planned_number_of_instances: int
    actual_number_of_instances: int
    actual_planned_number_of_instances: int
    visibility: str
    tenant_name: str
    created_by: str


class NodeInstance(TypedDict, total=False):
    id: str
    node_id: str
    deployment_id: str
    host_id: str | None
    state: str
    version: int
    index: int
    runtime_properties: dict[str, Any]
    relationships: list[dict[str, Any]]
    scaling_groups: list[dict[str, Any]]
    visibility: str
    tenant_name: str
    created_by: str


class Plugin(TypedDict, total=False):
    id: str
    package_name: str
    package_version: str
    title: str | None
    archive_name: str | None
    distribution: str | None
    yaml_url_path: str
    uploaded_at: str
    visibility: str
    tenant_name: str
    created_by: str


class Token(TypedDict, total=False):
    id: str
    username: str
    role: str
    description: str | None
    expiration_date: str | None
    last_used: str | None
    value: str


class Problem(TypedDict, total=False):
    """One thing that is wrong in a blueprint, or probably not meant, and where: ``line`` and ``column`` count
    from 1.
    """

    message: str
    file: str | None
    line: int | None
    column: int | None
    path: str | None
    expected: str | None
    suggestion: str | None


def is_execution(item: Event | Execution) -> TypeGuard[Execution]:
    """Whether an item of a stream tells how the execution stands, and not of an event."""
    return "status" in item


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list: ``total`` counts what there is, ``items`` holds what was asked for."""

    items: list[Item]
    total: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of a list is wanted, in which order. None leaves a choice to the manager."""

    size: int | None = None
    offset: int | None = None
    sort: str | None = None
    descending: bool = False
    search: str | None = None
    all_tenants: bool = False
    fields: tuple[str, ...] = ()

    def params(self) -> dict[str, str]:
        """As the API's query parameters."""
        chosen: dict[str, str] = {}
        if self.size is not None:
            chosen["_size"] = str(self.size)
        if self.offset:
            chosen["_offset"] = str(self.offset)
        if self.sort:
            chosen["_sort"] = f"-{self.sort}" if self.descending else self.sort
        if self.search:
            chosen["_search"] = self.search
        if self.all_tenants:
            chosen["_all_tenants"] = "true"
        if self.fields:
            chosen["_include"] = ",".join(self.fields)
        return chosen
