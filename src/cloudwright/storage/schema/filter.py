"""Stored filters of deployments and of blueprints."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from cloudwright.storage.columns import Json, UtcDateTime
from cloudwright.storage.schema.base import metadata


def _filters_of(resource: str) -> Table:
    return Table(
        f"{resource}_filters",
        metadata,
        Column("tenant", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("rules", Json, nullable=False),
        Column("visibility", Text, nullable=False),
        Column("created_by", Text),
        Column("created_at", UtcDateTime, nullable=False),
        Column("updated_at", UtcDateTime, nullable=False),
    )


deployment_filters = _filters_of("deployment")
blueprint_filters = _filters_of("blueprint")
