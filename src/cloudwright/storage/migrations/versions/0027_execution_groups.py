"""Groups of executions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "execution_groups",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("deployment_group_id", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("success_group_id", sa.Text()),
        sa.Column("failure_group_id", sa.Text()),
        sa.Column("cancel_mode", sa.Text()),
        sa.Column("cancel_requested_by", sa.Text()),
        sa.Column("cancel_requested_at", MOMENT),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_execution_groups")),
    )
    op.create_index("ix_execution_groups_tenant_created_at", "execution_groups", ["tenant", "created_at"])
    op.add_column("executions", sa.Column("group_id", sa.Text()))
    some = sa.text("group_id IS NOT NULL")
    op.create_index(
        "ix_executions_group_id_status",
        "executions",
        ["group_id", "status"],
        sqlite_where=some,
        postgresql_where=some,
    )


def downgrade() -> None:
    op.drop_index("ix_executions_group_id_status", "executions")
    op.drop_column("executions", "group_id")
    op.drop_table("execution_groups")
