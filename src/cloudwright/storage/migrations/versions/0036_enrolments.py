"""Tokens with which workers get their own tokens, once and for a short time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.add_column("workers", sa.Column("enrolment_hash", sa.Text()))
    op.add_column("workers", sa.Column("enrolment_expires", MOMENT))


def downgrade() -> None:
    op.drop_column("workers", "enrolment_expires")
    op.drop_column("workers", "enrolment_hash")
