"""Icons of blueprints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blueprint_icons",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("blueprint_id", sa.Text(), nullable=False),
        sa.Column("png", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "blueprint_id"],
            ["blueprints.tenant", "blueprints.id"],
            name=op.f("fk_blueprint_icons_tenant_blueprints"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "blueprint_id", name=op.f("pk_blueprint_icons")),
    )


def downgrade() -> None:
    op.drop_table("blueprint_icons")
