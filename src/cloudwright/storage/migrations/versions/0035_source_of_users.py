"""Who authenticates a user."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("source", sa.Text(), nullable=False, server_default=sa.text("'local'")))


def downgrade() -> None:
    op.drop_column("users", "source")
