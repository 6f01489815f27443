"""Plugins."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from cloudwright.storage.columns import Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

plugins = Table(
    "plugins",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("package_name", Text, nullable=False),
    Column("package_version", Text, nullable=False),
    Column("title", Text),
    Column("archive_name", Text),
    Column("distribution", Text),
    Column("state", Text, nullable=False),
    Column("error", Text),
    Column("path", Text),
    Column("artifact", Text, index=True),  # the digest of its archive
    Column("plugin_yaml", Json),
    Column("labels", Json, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "tenant", "package_name", "package_version"),
)
