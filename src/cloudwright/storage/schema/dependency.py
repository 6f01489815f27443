"""Dependencies between deployments."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from cloudwright.storage.columns import Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

# No foreign keys: the target need not exist, and a source or target may be on another manager.
inter_deployment_dependencies = Table(
    "inter_deployment_dependencies",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("dependency_creator", Text, nullable=False),
    Column("source_deployment_id", Text),
    Column("target_deployment_id", Text),
    Column("target_deployment_func", Json),
    Column("external_source", Json),
    Column("external_target", Json),
    Column("visibility", Text, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "tenant", "source_deployment_id"),
    Index(None, "tenant", "target_deployment_id"),
)
