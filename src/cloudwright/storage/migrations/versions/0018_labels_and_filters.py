"""Lists of deployments and blueprints are narrowed by labels, and by stored filters."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    for resource in ("deployment", "blueprint"):
        _label(resource)
        op.create_table(
            f"{resource}_filters",
            sa.Column("tenant", sa.Text(), nullable=False),
            sa.Column("id", sa.Text(), nullable=False),
            sa.Column("rules", sa.Text(), nullable=False),
            sa.Column("visibility", sa.Text(), nullable=False),
            sa.Column("created_by", sa.Text()),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.Column("updated_at", MOMENT, nullable=False),
            sa.PrimaryKeyConstraint("tenant", "id", name=f"pk_{resource}_filters"),
        )


def _label(resource: str) -> None:
    """Create the table of labels, and fill it with those that there are."""
    table = op.create_table(
        f"{resource}_labels",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", "key", "value", name=f"pk_{resource}_labels"),
        sa.ForeignKeyConstraint(
            ["tenant", "id"],
            [f"{resource}s.tenant", f"{resource}s.id"],
            name=f"fk_{resource}_labels_tenant",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        f"ix_{resource}_labels_tenant_key_value_id",
        f"{resource}_labels",
        ["tenant", "key", "value", "id"],
    )
    labelled = sa.table(f"{resource}s", *(sa.column(name) for name in ("tenant", "id", "labels")))
    conn = op.get_bind()
    rows = []
    for tenant, id, labels in conn.execute(sa.select(labelled)):
        pairs = {(label["key"], label["value"]) for label in json.loads(labels)}
        rows += [{"tenant": tenant, "id": id, "key": key, "value": value} for key, value in sorted(pairs)]
    if rows:
        conn.execute(table.insert(), rows)


def downgrade() -> None:
    for resource in ("deployment", "blueprint"):
        op.drop_table(f"{resource}_filters")
        op.drop_table(f"{resource}_labels")
