"""An execution has a parent if an operation of that one started it and waits for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("executions", sa.Column("parent_id", sa.Text()))
    op.add_column("executions", sa.Column("parent_operation_id", sa.Text()))
    op.add_column("executions", sa.Column("depth", sa.Integer(), nullable=False, server_default=sa.text("0")))
    condition = sa.text("parent_id IS NOT NULL")
    op.create_index(
        "ix_executions_parent_id",
        "executions",
        ["parent_id"],
        sqlite_where=condition,
        postgresql_where=condition,
    )


def downgrade() -> None:
    op.drop_index("ix_executions_parent_id", "executions")
    for column in ("depth", "parent_operation_id", "parent_id"):
        op.drop_column("executions", column)
