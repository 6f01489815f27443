"""Uploads, creations and deletions are executions; those of a deleted deployment are never another's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OF = ("tenant", "created_at")


def upgrade() -> None:
    op.add_column(
        "executions",
        sa.Column("deployment_gone", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    # What an earlier deployment of the same id ran was over before this one was made.
    executions = sa.table("executions", *map(sa.column, (*_OF, "deployment_id", "deployment_gone")))
    deployments = sa.table("deployments", *map(sa.column, (*_OF, "id")))
    its_own = sa.exists().where(
        deployments.c.tenant == executions.c.tenant,
        deployments.c.id == executions.c.deployment_id,
        deployments.c.created_at <= executions.c.created_at,
    )
    op.execute(
        executions.update()
        .where(executions.c.deployment_id.is_not(None), ~its_own)
        .values(deployment_gone=sa.true())
    )
    op.add_column("deployments", sa.Column("create_execution", sa.Text()))
    op.add_column("blueprints", sa.Column("requirements", sa.Text()))
    op.create_index("ix_blueprints_upload_execution", "blueprints", ["upload_execution"])


def downgrade() -> None:
    op.drop_index("ix_blueprints_upload_execution", "blueprints")
    op.drop_column("blueprints", "requirements")
    op.drop_column("deployments", "create_execution")
    op.drop_column("executions", "deployment_gone")
