"""Updates of deployments."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, ForeignKeyConstraint, Index, Table, Text, false

from cloudwright.model.deployment_update import UpdateState
from cloudwright.storage.columns import EnumText, Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

deployment_updates = Table(
    "deployment_updates",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("deployment_id", Text, nullable=False),
    Column("state", EnumText(UpdateState), nullable=False),
    Column("execution_id", Text, ForeignKey("executions.id", ondelete="CASCADE")),
    Column("old_blueprint_id", Text, nullable=False),
    Column("new_blueprint_id", Text, nullable=False),
    Column("old_inputs", Json, nullable=False),
    Column("new_inputs", Json, nullable=False),
    Column("steps", Json, nullable=False),
    Column("changed", Json, nullable=False),
    Column("options", Json, nullable=False),
    Column("target", Json, nullable=False),
    Column("before", Json, nullable=False),
    Column("topology", Json, nullable=False),
    Column("switched", Boolean, nullable=False, server_default=false()),
    Column("digest", Text),
    Column("reason", Text),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("is_rollback", Boolean, nullable=False, server_default=false()),
    ForeignKeyConstraint(
        ["tenant", "deployment_id"], ["deployments.tenant", "deployments.id"], ondelete="CASCADE"
    ),
    Index(None, "tenant", "deployment_id", "created_at"),
    Index(None, "execution_id"),
)
