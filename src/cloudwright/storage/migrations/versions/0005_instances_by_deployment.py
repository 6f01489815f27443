"""What looks for one node instance has only its primary key to find it by."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_node_instances_deployment_id_node_id_tenant",
        "node_instances",
        ["deployment_id", "node_id", "tenant"],
    )
    op.drop_index("ix_node_instances_tenant_deployment_id_node_id", "node_instances")


def downgrade() -> None:
    op.create_index(
        "ix_node_instances_tenant_deployment_id_node_id",
        "node_instances",
        ["tenant", "deployment_id", "node_id"],
    )
    op.drop_index("ix_node_instances_deployment_id_node_id_tenant", "node_instances")
