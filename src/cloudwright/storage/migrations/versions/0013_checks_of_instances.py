"""Node instances have what their last checks say in columns, where it can be counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "node_instances",
        sa.Column("is_status_check_ok", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.add_column(
        "node_instances",
        sa.Column("has_configuration_drift", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.drop_column("node_instances", "has_configuration_drift")
    op.drop_column("node_instances", "is_status_check_ok")
