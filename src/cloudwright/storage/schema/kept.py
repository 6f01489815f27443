"""What the manager keeps by name: settings that were changed, the provider context, the maintenance mode."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from cloudwright.storage.columns import Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

kept_values = Table(
    "kept_values",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Json),
    Column("updated_by", Text),
    Column("updated_at", UtcDateTime, nullable=False),
)
