"""Groups of deployments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "deployment_groups",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("default_blueprint_id", sa.Text()),
        sa.Column("default_inputs", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("creation_counter", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_deployment_groups")),
    )
    op.create_table(
        "deployment_group_members",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant", "group_id", "deployment_id", name=op.f("pk_deployment_group_members")
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "group_id"],
            ["deployment_groups.tenant", "deployment_groups.id"],
            name="fk_deployment_group_members_group",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "deployment_id"],
            ["deployments.tenant", "deployments.id"],
            name="fk_deployment_group_members_deployment",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_deployment_group_members_tenant_deployment_id",
        "deployment_group_members",
        ["tenant", "deployment_id"],
    )


def downgrade() -> None:
    op.drop_table("deployment_group_members")
    op.drop_table("deployment_groups")
