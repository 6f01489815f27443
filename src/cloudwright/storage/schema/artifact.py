"""The contents of artifacts, for managers that share a database."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, Table, Text

from cloudwright.storage.columns import UtcDateTime
from cloudwright.storage.schema.base import metadata

# A whole one: all its parts are there.
artifacts = Table(
    "artifacts",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("parts", Integer, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
)
artifact_parts = Table(
    "artifact_parts",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
)
