"""Schedules of executions, and the runs of theirs that did not happen."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
)

from cloudwright.storage.columns import Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

execution_schedules = Table(
    "execution_schedules",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("deployment_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("workflow_id", Text, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("execution_arguments", Json, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    Column("timezone", Text),
    Column("rule", Json, nullable=False),
    Column("slip", Integer, nullable=False),  # minutes
    Column("stop_on_fail", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    # The next run: when it is due, the time without a zone from which the rule continues, and its number.
    # The first is NULL if there is none, or the schedule is disabled.
    Column("next_occurrence", UtcDateTime),
    Column("position", Json),
    Column("latest_execution_id", Text),
    # A failed execution after which the schedule was enabled again.
    Column("forgiven_execution_id", Text),
    # Counts every change, so that a run is taken once.
    Column("version", Integer, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "deployment_id"], ["deployments.tenant", "deployments.id"], ondelete="CASCADE"
    ),
    Index(None, "next_occurrence"),
)

# Several in a row that did not happen for one reason are one row.
schedule_skips = Table(
    "schedule_skips",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("deployment_id", Text, nullable=False),
    Column("schedule_id", Text, nullable=False),
    Column("first_due", UtcDateTime, nullable=False),
    Column("last_due", UtcDateTime, nullable=False),
    Column("count", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "deployment_id", "schedule_id"],
        ["execution_schedules.tenant", "execution_schedules.deployment_id", "execution_schedules.id"],
        ondelete="CASCADE",
    ),
    Index(None, "tenant", "deployment_id", "schedule_id", "id"),
)
