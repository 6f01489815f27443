"""Blueprints."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Table, Text

from cloudwright.storage.columns import Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

blueprints = Table(
    "blueprints",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("main_file_name", Text, nullable=False),
    Column("plan", Json),
    Column("state", Text, nullable=False),
    Column("error", Text),
    Column("description", Text),
    Column("visibility", Text, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("path", Text),
    Column("artifact", Text, index=True),  # the digest of its archive
    Column("labels", Json, nullable=False),
    Column("upload_execution", Text, index=True),
    # What of the plan a client asks for without it: secrets and capabilities of the deployment's parents.
    Column("requirements", Json),
)

blueprint_icons = Table(
    "blueprint_icons",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("blueprint_id", Text, primary_key=True),
    Column("png", Text, nullable=False),  # in base64
    ForeignKeyConstraint(
        ["tenant", "blueprint_id"], ["blueprints.tenant", "blueprints.id"], ondelete="CASCADE"
    ),
)
