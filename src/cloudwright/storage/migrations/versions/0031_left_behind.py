"""Updates that are rollbacks, and what a rollback leaves behind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "deployment_updates",
        sa.Column("is_rollback", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("deployments", sa.Column("left_behind", sa.Text()))


def downgrade() -> None:
    op.drop_column("deployments", "left_behind")
    op.drop_column("deployment_updates", "is_rollback")
