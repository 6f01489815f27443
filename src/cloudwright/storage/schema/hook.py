"""Hooks, and their deliveries: what is to be done because something happened."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, text

from cloudwright.model.hook import DeliveryState
from cloudwright.storage.columns import EnumText, Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

hooks = Table(
    "hooks",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("event_types", Json, nullable=False),
    Column("statuses", Json, nullable=False),
    # Of executions of this deployment only; NULL is of all.
    Column("of_deployment", Text),
    # Either where a webhook is posted to, and the key of the secret that signs it ...
    Column("url", Text),
    Column("secret", Text),
    # ... or the workflow that is started. NULL is the deployment of what happened.
    Column("workflow_id", Text),
    Column("deployment_id", Text),
    Column("parameters", Json, nullable=False),
    Column("event_parameter", Text),
    Column("enabled", Boolean, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
)

_PENDING = text("state = 'pending'")
_STARTED = text("started_execution IS NOT NULL")
hook_deliveries = Table(
    "hook_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("hook_id", Text, nullable=False),
    Column("execution_id", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("payload", Json, nullable=False),
    Column("state", EnumText(DeliveryState), nullable=False),
    Column("attempts", Integer, nullable=False),
    # When it is tried next; while it is being tried, when another one may try it.
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("claimed_by", Text),
    # Of the last attempt.
    Column("response_status", Integer),
    Column("error", Text),
    Column("started_execution", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index(None, "tenant", "hook_id", "created_at"),
    # (PostgreSQL's indexes have the same conditions, by their migration. Said here, they would have every
    # manager load its dialect: two MiB.)
    Index(None, "next_attempt_at", sqlite_where=_PENDING),
    Index(None, "started_execution", sqlite_where=_STARTED),
    Index(None, "ended_at"),
)
