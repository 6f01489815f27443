"""Modifications of deployments."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Table, Text, text

from cloudwright.model.modification import ModificationStatus
from cloudwright.storage.columns import EnumText, Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

deployment_modifications = Table(
    "deployment_modifications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("deployment_id", Text, nullable=False),
    Column("status", EnumText(ModificationStatus), nullable=False),
    Column("modified_nodes", Json, nullable=False),
    Column("added", Json, nullable=False),
    Column("removed", Json, nullable=False),
    Column("related", Json, nullable=False),
    Column("targets", Json, nullable=False),
    Column("before", Json, nullable=False),
    Column("context", Json),
    Column("reason", Text),
    Column("execution_id", Text, ForeignKey("executions.id", ondelete="CASCADE")),
    Column("step", Integer),
    Column("resumed", Integer, nullable=False, server_default=text("0")),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    ForeignKeyConstraint(
        ["tenant", "deployment_id"], ["deployments.tenant", "deployments.id"], ondelete="CASCADE"
    ),
    Index(None, "tenant", "deployment_id", "status"),
    Index(None, "execution_id"),
)
