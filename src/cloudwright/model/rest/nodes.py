"""Nodes and node instances."""

from __future__ import annotations

from cloudwright.model.rest.common import Object, Owned


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
