"""Events and log lines."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from cloudwright.storage.columns import PlainJson, UtcDateTime
from cloudwright.storage.schema.base import metadata

events = Table(
    "events",
    metadata,
    # SQLite counts up by itself only in a column that is exactly INTEGER.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("execution_id", Text, ForeignKey("executions.id", ondelete="CASCADE"), nullable=False),
    Column("timestamp", UtcDateTime, nullable=False),
    Column("message", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("event_type", Text),
    Column("level", Text),
    Column("logger", Text),
    Column("node_instance_id", Text),
    Column("source_id", Text),
    Column("target_id", Text),
    Column("operation", Text),
    Column("operation_id", Text),
    Column("details", PlainJson, nullable=False),
    Index(None, "execution_id", "id"),
    Index(None, "timestamp"),
    # An id is never given twice, so that a follower who remembers the last one misses nothing.
    sqlite_autoincrement=True,
)
