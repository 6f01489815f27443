"""Updates of deployments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "deployment_updates",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Text()),
        sa.Column("old_blueprint_id", sa.Text(), nullable=False),
        sa.Column("new_blueprint_id", sa.Text(), nullable=False),
        sa.Column("old_inputs", sa.Text(), nullable=False),
        sa.Column("new_inputs", sa.Text(), nullable=False),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("topology", sa.Text(), nullable=False),
        sa.Column("switched", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("digest", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment_updates")),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["executions.id"],
            name=op.f("fk_deployment_updates_execution_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "deployment_id"],
            ["deployments.tenant", "deployments.id"],
            name=op.f("fk_deployment_updates_tenant"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_deployment_updates_tenant_deployment_id_created_at",
        "deployment_updates",
        ["tenant", "deployment_id", "created_at"],
    )
    op.create_index("ix_deployment_updates_execution_id", "deployment_updates", ["execution_id"])


def downgrade() -> None:
    op.drop_table("deployment_updates")
