"""Sites: places to which deployments belong."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from cloudwright.storage.columns import UtcDateTime
from cloudwright.storage.schema.base import metadata

sites = Table(
    "sites",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("location", Text),
    Column("visibility", Text, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
)
