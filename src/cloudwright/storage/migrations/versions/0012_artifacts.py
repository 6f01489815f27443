"""Uploaded archives are stored by their content; the next start moves those that exist."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("blueprints", "plugins"):
        op.add_column(table, sa.Column("artifact", sa.Text(), nullable=True))
        op.create_index(f"ix_{table}_artifact", table, ["artifact"])


def downgrade() -> None:
    for table in ("blueprints", "plugins"):
        op.drop_index(f"ix_{table}_artifact", table)
        op.drop_column(table, "artifact")
