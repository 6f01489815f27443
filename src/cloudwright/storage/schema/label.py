"""Labels of deployments and blueprints, so that lists can be narrowed by them.

They are stored with what they label too, in their order: these tables say who has a label.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, Text

from cloudwright.storage.schema.base import metadata


def _labels_of(resource: str) -> Table:
    return Table(
        f"{resource}_labels",
        metadata,
        Column("tenant", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("value", Text, primary_key=True),
        ForeignKeyConstraint(
            ["tenant", "id"], [f"{resource}s.tenant", f"{resource}s.id"], ondelete="CASCADE"
        ),
        Index(None, "tenant", "key", "value", "id"),
    )


deployment_labels = _labels_of("deployment")
blueprint_labels = _labels_of("blueprint")
