"""An execution may be given a longest age, at which it is cancelled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.add_column("executions", sa.Column("timeout", sa.Float(), nullable=True))
    op.add_column("executions", sa.Column("expires_at", MOMENT, nullable=True))


def downgrade() -> None:
    op.drop_column("executions", "expires_at")
    op.drop_column("executions", "timeout")
