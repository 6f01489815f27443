"""The values of secrets may have to fulfil a JSON schema, and are found by their key alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("secrets", sa.Column("json_schema", sa.Text()))
    op.create_index("ix_secrets_key", "secrets", ["key"])


def downgrade() -> None:
    op.drop_index("ix_secrets_key", "secrets")
    op.drop_column("secrets", "json_schema")
