"""Schedules of executions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "execution_schedules",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("execution_arguments", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT),
        sa.Column("timezone", sa.Text()),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("slip", sa.Integer(), nullable=False),
        sa.Column("stop_on_fail", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("next_occurrence", MOMENT),
        sa.Column("position", sa.Text()),
        sa.Column("latest_execution_id", sa.Text()),
        sa.Column("forgiven_execution_id", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "deployment_id", "id", name=op.f("pk_execution_schedules")),
        sa.ForeignKeyConstraint(
            ["tenant", "deployment_id"],
            ["deployments.tenant", "deployments.id"],
            name=op.f("fk_execution_schedules_tenant"),
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_execution_schedules_next_occurrence", "execution_schedules", ["next_occurrence"])
    op.create_table(
        "schedule_skips",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("schedule_id", sa.Text(), nullable=False),
        sa.Column("first_due", MOMENT, nullable=False),
        sa.Column("last_due", MOMENT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_skips")),
        sa.ForeignKeyConstraint(
            ["tenant", "deployment_id", "schedule_id"],
            ["execution_schedules.tenant", "execution_schedules.deployment_id", "execution_schedules.id"],
            name=op.f("fk_schedule_skips_tenant"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_schedule_skips_tenant_deployment_id_schedule_id_id",
        "schedule_skips",
        ["tenant", "deployment_id", "schedule_id", "id"],
    )


def downgrade() -> None:
    op.drop_table("schedule_skips")
    op.drop_table("execution_schedules")
