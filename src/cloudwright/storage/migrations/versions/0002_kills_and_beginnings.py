"""A kill of what an execution left running is kept, and that a workflow that can not be resumed began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "executions", sa.Column("kill_term", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("executions", sa.Column("begun", sa.Boolean(), server_default=sa.false(), nullable=False))
    # Nobody kept it of those that were claimed before: any of them may have begun.
    executions = sa.table("executions", sa.column("term", sa.Integer()), sa.column("begun", sa.Boolean()))
    op.execute(executions.update().where(executions.c.term > 0).values(begun=True))


def downgrade() -> None:
    op.drop_column("executions", "begun")
    op.drop_column("executions", "kill_term")
