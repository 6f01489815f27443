"""A tenant's executions are counted by looking at an index alone."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_executions_tenant_created_at_is_system_workflow",
        "executions",
        ["tenant", "created_at", "is_system_workflow"],
    )
    op.drop_index("ix_executions_tenant_created_at", "executions")


def downgrade() -> None:
    op.create_index("ix_executions_tenant_created_at", "executions", ["tenant", "created_at"])
    op.drop_index("ix_executions_tenant_created_at_is_system_workflow", "executions")
