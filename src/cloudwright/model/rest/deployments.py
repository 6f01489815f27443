"""Deployments, their workflows, and the values of their inputs, outputs and capabilities."""

from __future__ import annotations

from typing_extensions import TypedDict

from cloudwright.model.rest.common import Label, Object, Owned
from cloudwright.model.rest.errors import Problem


class FoundCapabilities(TypedDict, total=False):
    """Those of a deployment's capabilities that were searched for, each under its name."""

    deployment_id: str
    capabilities: list[dict[str, Object]]


class Evaluated(TypedDict):
    """``payload`` is what was sent, with the values of its functions."""

    deployment_id: str
    payload: Object


class ScalingGroup(TypedDict, total=False):
    """``deployment_id`` is null in a blueprint."""

    deployment_id: str | None
    name: str
    members: list[str]
    properties: Object


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

    The response to its creation also has ``warnings`` of what in it cannot run.
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
    left_behind: list[Object]
    runtime_only_evaluation: bool
    site_name: str | None
    settings: Object
    created_at: str | None
    updated_at: str | None
    installation_status: str
    deployment_status: str
    create_execution: str | None
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
    workdir_zip: str


class Outputs(TypedDict):
    deployment_id: str
    outputs: Object


class Capabilities(TypedDict):
    deployment_id: str
    capabilities: Object


class Inputs(TypedDict):
    deployment_id: str
    inputs: Object
