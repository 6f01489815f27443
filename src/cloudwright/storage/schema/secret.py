"""Secrets."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Table, Text

from cloudwright.storage.columns import Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

secrets = Table(
    "secrets",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value_encrypted", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("is_hidden_value", Boolean, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("json_schema", Json),
    # What a key means in a tenant is looked for by the key: a global one may be another tenant's.
    Index(None, "key"),
)
