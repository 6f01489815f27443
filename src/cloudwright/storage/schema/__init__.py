"""The tables, the same for SQLite and PostgreSQL: a module for each resource, and here all their names.

Every change here needs a migration; a test compares the two.
"""

from __future__ import annotations

from cloudwright.storage.schema.account import tenant_user_groups as tenant_user_groups
from cloudwright.storage.schema.account import tenant_users as tenant_users
from cloudwright.storage.schema.account import tenants as tenants
from cloudwright.storage.schema.account import tokens as tokens
from cloudwright.storage.schema.account import user_group_members as user_group_members
from cloudwright.storage.schema.account import user_groups as user_groups
from cloudwright.storage.schema.account import users as users
from cloudwright.storage.schema.artifact import artifact_parts as artifact_parts
from cloudwright.storage.schema.artifact import artifacts as artifacts
from cloudwright.storage.schema.audit import audit_log as audit_log
from cloudwright.storage.schema.base import metadata as metadata
from cloudwright.storage.schema.blueprint import blueprint_icons as blueprint_icons
from cloudwright.storage.schema.blueprint import blueprints as blueprints
from cloudwright.storage.schema.dependency import (
    inter_deployment_dependencies as inter_deployment_dependencies,
)
from cloudwright.storage.schema.deployment import deployments as deployments
from cloudwright.storage.schema.deployment import node_instances as node_instances
from cloudwright.storage.schema.deployment import nodes as nodes
from cloudwright.storage.schema.deployment_update import deployment_updates as deployment_updates
from cloudwright.storage.schema.event import events as events
from cloudwright.storage.schema.execution import executions as executions
from cloudwright.storage.schema.execution import task_counts as task_counts
from cloudwright.storage.schema.filter import blueprint_filters as blueprint_filters
from cloudwright.storage.schema.filter import deployment_filters as deployment_filters
from cloudwright.storage.schema.group import deployment_group_members as deployment_group_members
from cloudwright.storage.schema.group import deployment_groups as deployment_groups
from cloudwright.storage.schema.group import execution_groups as execution_groups
from cloudwright.storage.schema.hook import hook_deliveries as hook_deliveries
from cloudwright.storage.schema.hook import hooks as hooks
from cloudwright.storage.schema.kept import kept_values as kept_values
from cloudwright.storage.schema.label import blueprint_labels as blueprint_labels
from cloudwright.storage.schema.label import deployment_labels as deployment_labels
from cloudwright.storage.schema.manager import managers as managers
from cloudwright.storage.schema.modification import deployment_modifications as deployment_modifications
from cloudwright.storage.schema.operation import graphs as graphs
from cloudwright.storage.schema.operation import operations as operations
from cloudwright.storage.schema.plugin import plugins as plugins
from cloudwright.storage.schema.schedule import execution_schedules as execution_schedules
from cloudwright.storage.schema.schedule import schedule_skips as schedule_skips
from cloudwright.storage.schema.secret import secrets as secrets
from cloudwright.storage.schema.site import sites as sites
from cloudwright.storage.schema.worker import workers as workers
from cloudwright.storage.schema.writer import writers as writers
