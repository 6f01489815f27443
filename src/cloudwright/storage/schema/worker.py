"""Workers on other machines: agents of hosts."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from cloudwright.storage.columns import Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("deployment_id", Text),
    Column("node_id", Text),
    Column("host_id", Text),
    Column("install_method", Text),
    Column("token_hash", Text),
    Column("enrolment_hash", Text),
    Column("enrolment_expires", UtcDateTime),
    Column("machine", Text),
    Column("life", Text),
    Column("session", Integer, nullable=False),
    Column("manager", Text),
    Column("state", Text, nullable=False),
    Column("state_since", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime),
    Column("version", Text),
    Column("protocol", Integer),
    Column("system", Text),
    Column("ip", Text),
    Column("capacity", Integer, nullable=False),
    Column("labels", Json, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_workers_host", "tenant", "host_id"),
)
