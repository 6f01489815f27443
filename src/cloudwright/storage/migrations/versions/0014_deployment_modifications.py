"""Modifications of deployments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "deployment_modifications",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("modified_nodes", sa.Text(), nullable=False),
        sa.Column("added", sa.Text(), nullable=False),
        sa.Column("removed", sa.Text(), nullable=False),
        sa.Column("related", sa.Text(), nullable=False),
        sa.Column("targets", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("context", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("execution_id", sa.Text()),
        sa.Column("step", sa.Integer()),
        sa.Column("resumed", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment_modifications")),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["executions.id"],
            name=op.f("fk_deployment_modifications_execution_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "deployment_id"],
            ["deployments.tenant", "deployments.id"],
            name=op.f("fk_deployment_modifications_tenant"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_deployment_modifications_tenant_deployment_id_status",
        "deployment_modifications",
        ["tenant", "deployment_id", "status"],
    )
    op.create_index("ix_deployment_modifications_execution_id", "deployment_modifications", ["execution_id"])


def downgrade() -> None:
    op.drop_table("deployment_modifications")
