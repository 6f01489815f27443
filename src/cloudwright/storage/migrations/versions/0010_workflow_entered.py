"""The column that records the call of a workflow's function has the name of what it records."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


# By hand: Alembic would copy the whole table for SQLite, which can rename a column.
def upgrade() -> None:
    op.execute("ALTER TABLE executions RENAME COLUMN begun TO workflow_entered")


def downgrade() -> None:
    op.execute("ALTER TABLE executions RENAME COLUMN workflow_entered TO begun")
