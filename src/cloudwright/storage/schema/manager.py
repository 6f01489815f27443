"""The managers that share a database, and until when each of them may run something."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from cloudwright.storage.columns import UtcDateTime
from cloudwright.storage.schema.base import metadata

managers = Table(
    "managers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("life", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("bus", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("renewed_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("free_at", UtcDateTime, nullable=False),
)
