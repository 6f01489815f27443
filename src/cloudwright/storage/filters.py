"""Filters of lists. None does not restrict a list; several values of one field are alternatives; fields add
up.

``tenant`` says what is seen (``visibility``); None is every tenant. ``search`` keeps rows whose name holds
it, letters' case ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from cloudwright.model.execution import ExecutionStatus
from cloudwright.model.filter_rules import FilterRule
from cloudwright.model.operation import OperationState
from cloudwright.storage.visibility import Tenancy


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """``older_than`` and ``newer_than`` keep those created before and after the execution of that id: for
    pages of a list that grows meanwhile. ``residual`` keeps those that are over while operations
    of them still run.
    """

    tenant: Tenancy = None
    ids: Collection[str] | None = None
    deployment_ids: Collection[str] | None = None
    blueprint_ids: Collection[str] | None = None
    workflow_ids: Collection[str] | None = None
    group_ids: Collection[str] | None = None
    statuses: Collection[ExecutionStatus] | None = None
    parent_ids: Collection[str] | None = None
    parent_operation_ids: Collection[str] | None = None
    created_by: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    ended_to: datetime | None = None
    include_system_workflows: bool = True
    is_system_workflow: bool | None = None
    is_dry_run: bool | None = None
    residual: bool = False
    search: str | None = None
    older_than: str | None = None
    newer_than: str | None = None


@dataclass(frozen=True, slots=True)
class OperationFilter:
    """``residual`` keeps operations that run although their execution has ended; the tenant must be given."""

    tenant: Tenancy = None
    execution_id: str | None = None
    graph_id: str | None = None
    states: Collection[OperationState] | None = None
    kinds: Collection[str] | None = None
    residual: bool = False


@dataclass(frozen=True, slots=True)
class EventFilter:
    """``message`` keeps those whose message holds it, letters' case ignored; ``after_id`` those stored after
    that one, ``before_id`` those stored before it.
    """

    tenant: Tenancy = None
    execution_ids: Collection[str] | None = None
    execution_group_ids: Collection[str] | None = None
    deployment_ids: Collection[str] | None = None
    blueprint_ids: Collection[str] | None = None
    node_ids: Collection[str] | None = None
    node_instance_ids: Collection[str] | None = None
    operation_ids: Collection[str] | None = None
    operations: Collection[str] | None = None
    event_types: Collection[str] | None = None
    levels: Collection[str] | None = None
    message: str | None = None
    from_time: datetime | None = None
    to_time: datetime | None = None
    after_id: int | None = None
    before_id: int | None = None
    include_logs: bool = True
    include_events: bool = True


@dataclass(frozen=True, slots=True)
class BlueprintFilter:
    tenant: Tenancy = None
    ids: Collection[str] | None = None
    states: Collection[str] | None = None
    main_file_names: Collection[str] | None = None
    visibilities: Collection[str] | None = None
    created_by: str | None = None
    search: str | None = None
    rules: Sequence[FilterRule] = ()


@dataclass(frozen=True, slots=True)
class DeploymentFilter:
    """``search`` looks at ids and display names, ``search_name`` at display names only."""

    tenant: Tenancy = None
    ids: Collection[str] | None = None
    display_names: Collection[str] | None = None
    visibilities: Collection[str] | None = None
    blueprint_ids: Collection[str] | None = None
    site_names: Collection[str] | None = None
    created_by: str | None = None
    search: str | None = None
    search_name: str | None = None
    installation_statuses: Collection[str] | None = None
    deployment_statuses: Collection[str] | None = None
    group_id: str | None = None
    rules: Sequence[FilterRule] = ()


@dataclass(frozen=True, slots=True)
class NodeFilter:
    tenant: Tenancy = None
    deployment_ids: Collection[str] | None = None
    blueprint_ids: Collection[str] | None = None
    ids: Collection[str] | None = None
    created_by: str | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True)
class InstanceFilter:
    tenant: Tenancy = None
    deployment_ids: Collection[str] | None = None
    blueprint_ids: Collection[str] | None = None
    created_by: str | None = None
    node_ids: Collection[str] | None = None
    ids: Collection[str] | None = None
    states: Collection[str] | None = None
    host_ids: Collection[str] | None = None
    search: str | None = None
    rules: Sequence[FilterRule] = ()


@dataclass(frozen=True, slots=True)
class PluginFilter:
    tenant: Tenancy = None
    ids: Collection[str] | None = None
    package_names: Collection[str] | None = None
    package_versions: Collection[str] | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True)
class SecretFilter:
    """``tenant`` includes what is global elsewhere."""

    tenant: Tenancy = None
    keys: Collection[str] | None = None
    search: str | None = None
    visibilities: Collection[str] | None = None
    rules: Sequence[FilterRule] = ()
