"""Groups of deployments, and of executions."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, Table, Text

from cloudwright.model.execution import CancelMode
from cloudwright.storage.columns import EnumText, Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

deployment_groups = Table(
    "deployment_groups",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("visibility", Text, nullable=False),
    Column("description", Text),
    Column("default_blueprint_id", Text),
    Column("default_inputs", Json, nullable=False),
    Column("labels", Json, nullable=False),
    # How many deployments were made in the group: no number is used twice in their ids.
    Column("creation_counter", Integer, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
)

deployment_group_members = Table(
    "deployment_group_members",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("group_id", Text, primary_key=True),
    Column("deployment_id", Text, primary_key=True),
    ForeignKeyConstraint(
        ["tenant", "group_id"],
        ["deployment_groups.tenant", "deployment_groups.id"],
        name="fk_deployment_group_members_group",
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(
        ["tenant", "deployment_id"],
        ["deployments.tenant", "deployments.id"],
        name="fk_deployment_group_members_deployment",
        ondelete="CASCADE",
    ),
    Index(None, "tenant", "deployment_id"),
)

# No foreign keys: the history of deleted groups of deployments stays.
execution_groups = Table(
    "execution_groups",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("deployment_group_id", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("concurrency", Integer, nullable=False),
    # The groups that deployments come into when their execution ends well, or fails.
    Column("success_group_id", Text),
    Column("failure_group_id", Text),
    # The strongest request to stop the group: while there is one, no member leaves the queue.
    Column("cancel_mode", EnumText(CancelMode)),
    Column("cancel_requested_by", Text),
    Column("cancel_requested_at", UtcDateTime),
    Column("visibility", Text, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "tenant", "created_at"),
)
