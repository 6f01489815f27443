"""The records of the REST API, as clients receive them: a module for each resource, and here all their names.

Any field may be missing if ``_include`` chose others.

This is the only declaration of their types: the manager makes them, the OpenAPI document is drawn from them,
and the client returns them. Times are ISO 8601 in UTC with milliseconds and ``Z``.
"""

from __future__ import annotations

from cloudwright.model.rest.accounts import RolePermission as RolePermission
from cloudwright.model.rest.accounts import Tenant as Tenant
from cloudwright.model.rest.accounts import Token as Token
from cloudwright.model.rest.accounts import User as User
from cloudwright.model.rest.accounts import UserGroup as UserGroup
from cloudwright.model.rest.agents import Agent as Agent
from cloudwright.model.rest.agents import Enrolment as Enrolment
from cloudwright.model.rest.audit import AuditRecord as AuditRecord
from cloudwright.model.rest.audit import Deleted as Deleted
from cloudwright.model.rest.blueprints import Blueprint as Blueprint
from cloudwright.model.rest.blueprints import UploadExecution as UploadExecution
from cloudwright.model.rest.common import Label as Label
from cloudwright.model.rest.common import Object as Object
from cloudwright.model.rest.common import Owned as Owned
from cloudwright.model.rest.console import ConsoleLink as ConsoleLink
from cloudwright.model.rest.dependencies import InterDeploymentDependency as InterDeploymentDependency
from cloudwright.model.rest.deployment_groups import DeploymentGroup as DeploymentGroup
from cloudwright.model.rest.deployment_updates import DeploymentUpdate as DeploymentUpdate
from cloudwright.model.rest.deployments import Capabilities as Capabilities
from cloudwright.model.rest.deployments import Deployment as Deployment
from cloudwright.model.rest.deployments import Evaluated as Evaluated
from cloudwright.model.rest.deployments import FoundCapabilities as FoundCapabilities
from cloudwright.model.rest.deployments import Inputs as Inputs
from cloudwright.model.rest.deployments import Outputs as Outputs
from cloudwright.model.rest.deployments import ScalingGroup as ScalingGroup
from cloudwright.model.rest.deployments import Workflow as Workflow
from cloudwright.model.rest.errors import ErrorBody as ErrorBody
from cloudwright.model.rest.errors import Problem as Problem
from cloudwright.model.rest.errors import Validation as Validation
from cloudwright.model.rest.events import Event as Event
from cloudwright.model.rest.execution_groups import ExecutionGroup as ExecutionGroup
from cloudwright.model.rest.executions import Execution as Execution
from cloudwright.model.rest.filters import Filter as Filter
from cloudwright.model.rest.filters import FilterRule as FilterRule
from cloudwright.model.rest.hooks import Hook as Hook
from cloudwright.model.rest.hooks import HookDelivery as HookDelivery
from cloudwright.model.rest.modifications import (
    DeploymentModification as DeploymentModification,
)
from cloudwright.model.rest.nodes import Node as Node
from cloudwright.model.rest.nodes import NodeInstance as NodeInstance
from cloudwright.model.rest.operations import Operation as Operation
from cloudwright.model.rest.operations import TasksGraph as TasksGraph
from cloudwright.model.rest.pages import Count as Count
from cloudwright.model.rest.pages import Metadata as Metadata
from cloudwright.model.rest.pages import Page as Page
from cloudwright.model.rest.pages import Pagination as Pagination
from cloudwright.model.rest.plugins import Plugin as Plugin
from cloudwright.model.rest.schedules import ExecutionSchedule as ExecutionSchedule
from cloudwright.model.rest.schedules import SkippedRuns as SkippedRuns
from cloudwright.model.rest.secrets import ExportedSecret as ExportedSecret
from cloudwright.model.rest.secrets import ImportedSecrets as ImportedSecrets
from cloudwright.model.rest.secrets import Secret as Secret
from cloudwright.model.rest.sites import Site as Site
from cloudwright.model.rest.snapshots import Snapshot as Snapshot
from cloudwright.model.rest.snapshots import SnapshotStatus as SnapshotStatus
from cloudwright.model.rest.system import BrokerItem as BrokerItem
from cloudwright.model.rest.system import ConfigItem as ConfigItem
from cloudwright.model.rest.system import Context as Context
from cloudwright.model.rest.system import ContextSet as ContextSet
from cloudwright.model.rest.system import DatabaseNode as DatabaseNode
from cloudwright.model.rest.system import Identity as Identity
from cloudwright.model.rest.system import Maintenance as Maintenance
from cloudwright.model.rest.system import ManagerItem as ManagerItem
from cloudwright.model.rest.system import ServiceStatus as ServiceStatus
from cloudwright.model.rest.system import Status as Status
from cloudwright.model.rest.system import Version as Version
