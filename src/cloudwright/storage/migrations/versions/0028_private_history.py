"""Executions of what was private when it was deleted stay private."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("executions", sa.Column("private_to", sa.Text()))


def downgrade() -> None:
    op.drop_column("executions", "private_to")
