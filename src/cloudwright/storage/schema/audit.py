"""What users changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from cloudwright.storage.columns import Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    # One request is recorded once, however many transactions it takes.
    Column("request", Text, nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("creator_name", Text, nullable=False),
    Column("execution_id", Text),
    Column("address", Text),
    Column("action", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("ref_table", Text, nullable=False),
    Column("ref_id", Text),
    Column("ref_identifier", Json, nullable=False),
    Index(None, "created_at"),
)
