"""Deployments, their nodes and node instances."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    false,
    true,
)

from cloudwright.storage.columns import Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

deployments = Table(
    "deployments",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("blueprint_id", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("description", Text),
    Column("inputs", Json, nullable=False),
    Column("outputs", Json, nullable=False),
    Column("capabilities", Json, nullable=False),
    Column("workflows", Json, nullable=False),
    Column("groups", Json, nullable=False),
    Column("policies", Json, nullable=False),
    Column("scaling_groups", Json, nullable=False),
    Column("labels", Json, nullable=False),
    Column("resource_tags", Json, nullable=False),
    Column("runtime_only_evaluation", Boolean, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("site_name", Text),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("settings", Json, nullable=False),
    Column("shared", Json),  # what its nodes have in common (model.node_packing)
    Column("create_execution", Text),
    # What is known of instances that a rollback passed over: they are not taken down.
    Column("left_behind", Json),
    ForeignKeyConstraint(["tenant", "blueprint_id"], ["blueprints.tenant", "blueprints.id"]),
    Index(None, "tenant", "blueprint_id"),
)

nodes = Table(
    "nodes",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("deployment_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("node", Json, nullable=False),
    Column("planned_instances", Integer, nullable=False),
    Column("position", Integer, nullable=False),  # nodes are listed as the blueprint has them
    ForeignKeyConstraint(
        ["tenant", "deployment_id"], ["deployments.tenant", "deployments.id"], ondelete="CASCADE"
    ),
)

node_instances = Table(
    "node_instances",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("deployment_id", Text, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("host_id", Text),
    Column("index", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("runtime_properties", Json, nullable=False),
    Column("relationships", Json, nullable=False),
    Column("scaling_groups", Json, nullable=False),
    Column("system_properties", Json, nullable=False),
    # What its system properties say (model.instance_health), so that it can be counted.
    Column("is_status_check_ok", Boolean, nullable=False, server_default=true()),
    Column("has_configuration_drift", Boolean, nullable=False, server_default=false()),
    ForeignKeyConstraint(
        ["tenant", "deployment_id", "node_id"],
        ["nodes.tenant", "nodes.deployment_id", "nodes.id"],
        ondelete="CASCADE",
    ),
    # The tenant is last, so that what looks for one instance can only find it by the primary key.
    Index(None, "deployment_id", "node_id", "tenant"),
)
