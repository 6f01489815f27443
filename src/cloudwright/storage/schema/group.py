"""Groups of deployments."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, Table, Text

from cloudwright.storage.columns import Json, UtcDateTime
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
