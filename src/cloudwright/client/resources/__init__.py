"""The nouns of the REST API, one class each; every method raises ``ClientError`` if no manager responds."""

from __future__ import annotations

from cloudwright.client.resources.accounts import AuditLog as AuditLog
from cloudwright.client.resources.accounts import Permissions as Permissions
from cloudwright.client.resources.accounts import Tenants as Tenants
from cloudwright.client.resources.accounts import UserGroups as UserGroups
from cloudwright.client.resources.accounts import Users as Users
from cloudwright.client.resources.administration import Administration as Administration
from cloudwright.client.resources.agents import Agents as Agents
from cloudwright.client.resources.blueprints import Blueprints as Blueprints
from cloudwright.client.resources.collection import Collection as Collection
from cloudwright.client.resources.console_links import ConsoleLinks as ConsoleLinks
from cloudwright.client.resources.deployment_groups import DeploymentGroups as DeploymentGroups
from cloudwright.client.resources.deployment_modifications import (
    DeploymentModifications as DeploymentModifications,
)
from cloudwright.client.resources.deployment_updates import DeploymentUpdates as DeploymentUpdates
from cloudwright.client.resources.deployments import Deployments as Deployments
from cloudwright.client.resources.events import Events as Events
from cloudwright.client.resources.execution_groups import ExecutionGroups as ExecutionGroups
from cloudwright.client.resources.execution_schedules import ExecutionSchedules as ExecutionSchedules
from cloudwright.client.resources.executions import Executions as Executions
from cloudwright.client.resources.filters import Filters as Filters
from cloudwright.client.resources.hooks import Hooks as Hooks
from cloudwright.client.resources.nodes import NodeInstances as NodeInstances
from cloudwright.client.resources.nodes import Nodes as Nodes
from cloudwright.client.resources.operations import Operations as Operations
from cloudwright.client.resources.plugins import Plugins as Plugins
from cloudwright.client.resources.secrets import Secrets as Secrets
from cloudwright.client.resources.sites import Sites as Sites
from cloudwright.client.resources.snapshots import Snapshots as Snapshots
from cloudwright.client.resources.tokens import Tokens as Tokens
