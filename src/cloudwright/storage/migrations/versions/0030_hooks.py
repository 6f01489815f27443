"""Hooks and their deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "hooks",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("event_types", sa.Text(), nullable=False),
        sa.Column("statuses", sa.Text(), nullable=False),
        sa.Column("of_deployment", sa.Text()),
        sa.Column("url", sa.Text()),
        sa.Column("secret", sa.Text()),
        sa.Column("workflow_id", sa.Text()),
        sa.Column("deployment_id", sa.Text()),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("event_parameter", sa.Text()),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_hooks")),
    )
    op.create_table(
        "hook_deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("hook_id", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", MOMENT, nullable=False),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("response_status", sa.Integer()),
        sa.Column("error", sa.Text()),
        sa.Column("started_execution", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_deliveries")),
    )
    _index(["tenant", "hook_id", "created_at"])
    _index(["next_attempt_at"], "state = 'pending'")
    _index(["started_execution"], "started_execution IS NOT NULL")
    _index(["ended_at"])


def _index(columns: list[str], where: str | None = None) -> None:
    some = None if where is None else sa.text(where)
    name = f"ix_hook_deliveries_{'_'.join(columns)}"
    op.create_index(name, "hook_deliveries", columns, sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    op.drop_table("hook_deliveries")
    op.drop_table("hooks")
