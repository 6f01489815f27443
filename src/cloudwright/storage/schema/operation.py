"""Task graphs, and the operations of executions."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, text

from cloudwright.model.operation import OperationState
from cloudwright.storage.columns import EnumText, Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

graphs = Table(
    "graphs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("execution_id", Text, ForeignKey("executions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

operations = Table(
    "operations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("execution_id", Text, ForeignKey("executions.id", ondelete="CASCADE"), nullable=False),
    Column("graph_id", Text),
    Column(
        "position", Integer, nullable=False, server_default=text("0")
    ),  # tasks are listed as they were stored
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", EnumText(OperationState), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("depends_on", Json, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("result", Json),
    Column("failure", Json),
    Column("plugin", Text),
    Column("executor", Text),
    Column("instance_id", Text),
    Column("source_id", Text),
    Column("target_id", Text),
    Column("worker", Text),
    Column("pid", Integer),
    Column("term", Integer, nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index(None, "execution_id", "state"),
    # What runs now is asked for often and is little, whatever the history holds. (PostgreSQL's index has the
    # same condition, by its migration: said here, it would load that dialect for SQLite too.)
    Index("ix_operations_started", "execution_id", sqlite_where=text("state = 'started'")),
)
