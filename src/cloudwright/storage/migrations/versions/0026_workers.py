"""Workers on other machines: agents of hosts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text()),
        sa.Column("node_id", sa.Text()),
        sa.Column("host_id", sa.Text()),
        sa.Column("install_method", sa.Text()),
        sa.Column("token_hash", sa.Text()),
        sa.Column("machine", sa.Text()),
        sa.Column("life", sa.Text()),
        sa.Column("session", sa.Integer(), nullable=False),
        sa.Column("manager", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", MOMENT, nullable=False),
        sa.Column("last_seen", MOMENT),
        sa.Column("version", sa.Text()),
        sa.Column("protocol", sa.Integer()),
        sa.Column("system", sa.Text()),
        sa.Column("ip", sa.Text()),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_workers"),
    )
    op.create_index("ix_workers_host", "workers", ["tenant", "host_id"])


def downgrade() -> None:
    op.drop_table("workers")
