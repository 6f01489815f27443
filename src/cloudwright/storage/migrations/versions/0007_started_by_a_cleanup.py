"""What an execution starts while it is being cancelled is found when the request is raised."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("executions", sa.Column("cleanup_of", sa.Text()))
    condition = sa.text("cleanup_of IS NOT NULL")
    op.create_index(
        "ix_executions_cleanup_of",
        "executions",
        ["cleanup_of"],
        sqlite_where=condition,
        postgresql_where=condition,
    )


def downgrade() -> None:
    op.drop_index("ix_executions_cleanup_of", "executions")
    op.drop_column("executions", "cleanup_of")
