"""Deployments are recorded to depend on each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")

_NAME = "inter_deployment_dependencies"


def upgrade() -> None:
    op.create_table(
        _NAME,
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("dependency_creator", sa.Text(), nullable=False),
        sa.Column("source_deployment_id", sa.Text()),
        sa.Column("target_deployment_id", sa.Text()),
        sa.Column("target_deployment_func", sa.Text()),
        sa.Column("external_source", sa.Text()),
        sa.Column("external_target", sa.Text()),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=f"pk_{_NAME}"),
    )
    for column in ("source_deployment_id", "target_deployment_id"):
        op.create_index(f"ix_{_NAME}_tenant_{column}", _NAME, ["tenant", column])


def downgrade() -> None:
    op.drop_table(_NAME)
