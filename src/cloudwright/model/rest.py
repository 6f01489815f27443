"""The records of the REST API, as clients receive them.

Any field may be missing if ``_include`` chose others.

This is the only declaration of their types: the manager makes them, the OpenAPI document is drawn from them,
and the client returns them. Times are ISO 8601 in UTC with milliseconds and ``Z``.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from typing_extensions import TypedDict

Item = TypeVar("Item")
Object = dict[str, Any]


class Pagination(TypedDict):
    total: int
    size: int
    offset: int


class Metadata(TypedDict):
    pagination: Pagination
    filtered: int | None


class Page(TypedDict, Generic[Item]):
    items: list[Item]
    metadata: Metadata


class Problem(TypedDict, total=False):
    """One thing that is wrong in a blueprint, or probably not meant; ``line`` and ``column`` count from 1."""

    message: str
    file: str | None
    line: int | None
    column: int | None
    path: str
    expected: str | None
    suggestion: str | None


class _Refusal(TypedDict):
    message: str
    error_code: str
    server_traceback: None


class ErrorBody(_Refusal, total=False):
    """Every response that is not a success. An invalid blueprint adds ``problems`` and ``warnings``, a defect
    ``incident``.
    """

    problems: list[Problem]
    warnings: list[Problem]
    incident: str


class Validation(TypedDict):
    """A blueprint is valid, and these things in it are probably not meant."""

    warnings: list[Problem]


class Label(TypedDict, total=False):
    key: str
    value: str
    created_at: str
    created_by: str | None
    creator_id: None


class UploadExecution(TypedDict):
    id: str


class Owned(TypedDict, total=False):
    tenant_name: str | None
    created_by: str | None
    visibility: str | None


class Blueprint(Owned, total=False):
    """``plan`` is in lists only if ``_include`` names it. The response to an upload has none, and has the
    plan's ``warnings`` instead.
    """

    id: str
    main_file_name: str
    description: str | None
    state: str
    error: str | None
    error_traceback: None
    plan: Object | None
    warnings: list[Problem]
    labels: list[Label]
    created_at: str | None
    updated_at: str | None
    upload_execution: UploadExecution | None
    is_hidden: bool
    requirements: None


class Workflow(TypedDict, total=False):
    name: str
    plugin: str | None
    operation: str | None
    parameters: dict[str, Object]
    is_cascading: bool
    is_available: bool
    availability_rules: Object | None
    created_at: str | None


class Deployment(Owned, total=False):
    """``outputs`` and ``capabilities`` are definitions; their values are below ``deployments/ID``.

    The answer to its creation also has ``warnings`` of what in it cannot run.
    """

    id: str
    warnings: list[Problem]
    display_name: str
    description: str | None
    blueprint_id: str
    inputs: Object
    outputs: Object
    capabilities: Object
    workflows: list[Workflow]
    groups: Object
    policy_types: Object
    policy_triggers: Object
    scaling_groups: Object
    labels: list[Label]
    resource_tags: Object
    runtime_only_evaluation: bool
    site_name: str | None
    settings: Object
    created_at: str | None
    updated_at: str | None
    installation_status: str
    deployment_status: str
    latest_execution: str | None
    latest_execution_id: str | None
    latest_execution_status: str | None
    latest_execution_workflow_id: str | None
    latest_execution_total_operations: int
    latest_execution_finished_operations: int
    unavailable_instances: int
    drifted_instances: int
    sub_services_count: int
    sub_services_status: None
    sub_environments_count: int
    sub_environments_status: None
    deployment_groups: list[str]
    environment_type: str


class Outputs(TypedDict):
    deployment_id: str
    outputs: Object


class Capabilities(TypedDict):
    deployment_id: str
    capabilities: Object


class Inputs(TypedDict):
    deployment_id: str
    inputs: Object


class Node(Owned, total=False):
    """``number_of_instances`` is how many there are, ``planned_...`` how many there are to be."""

    id: str
    deployment_id: str
    blueprint_id: str | None
    type: str
    type_hierarchy: list[str]
    host_id: str | None
    properties: Object
    operations: dict[str, Object]
    relationships: list[Object]
    plugins: list[Object]
    plugins_to_install: list[Object] | None
    number_of_instances: int
    planned_number_of_instances: int
    deploy_number_of_instances: int
    min_number_of_instances: int
    max_number_of_instances: int
    actual_number_of_instances: int
    actual_planned_number_of_instances: int
    unavailable_instances: int
    drifted_instances: int


class NodeInstance(Owned, total=False):
    id: str
    node_id: str
    deployment_id: str
    host_id: str | None
    index: int
    state: str
    version: int
    runtime_properties: Object
    system_properties: Object
    relationships: list[Object]
    scaling_groups: list[Object]
    is_status_check_ok: bool
    has_configuration_drift: bool


class Execution(Owned, total=False):
    """``residual_operations`` counts the operations that still run although the execution is over.

    ``deadline`` is when a standard cancellation becomes a forced one by itself. ``is_resumable`` says whether
    a resume can help: it is over without success, and its workflow may be called again.
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
    residual_operations: int


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


class Plugin(Owned, total=False):
    id: str
    package_name: str
    package_version: str
    title: str | None
    archive_name: str | None
    package_source: None
    supported_platform: None
    distribution: str | None
    distribution_version: None
    distribution_release: None
    file_server_path: None
    installation_state: list[Object]
    labels: list[Label]
    yaml_url_path: str | None
    uploaded_at: str | None


class Token(TypedDict, total=False):
    """``value`` is complete only in the response that creates the token."""

    id: str
    username: str
    role: str | None
    description: str | None
    value: str
    expiration_date: str | None
    last_used: str | None


class User(TypedDict, total=False):
    username: str
    role: str
    active: bool
    created_at: str
    tenants: dict[str, list[str]]


class Tenant(TypedDict, total=False):
    name: str
    created_at: str


class Identity(TypedDict):
    proof: str


class Version(TypedDict):
    version: str
    edition: str
    distribution: None
    distro_release: None


class ServiceStatus(TypedDict):
    status: str
    is_remote: bool
    extra_info: Object


class Status(TypedDict):
    """``status`` is ``OK`` or ``Fail``."""

    status: str
    services: dict[str, ServiceStatus]


class ConfigItem(TypedDict):
    name: str
    value: Any
    scope: list[str]
    schema: None
    is_editable: bool
    admin_only: bool
    updated_at: None
    updater_name: None


class ManagerItem(TypedDict):
    id: int
    hostname: str
    private_ip: str
    public_ip: str
    version: str
    edition: str
    distribution: None
    distro_release: None


class BrokerItem(TypedDict):
    name: str
    host: str
    port: int | None
    is_external: bool
    networks: Object


class DatabaseNode(TypedDict):
    name: str
    host: str
    is_external: bool


class Context(TypedDict):
    name: str
    context: Object


class Maintenance(TypedDict):
    status: str
    activated_at: None
    activation_requested_at: None
    remaining_executions: list[Object]
    requested_by: None
