"""Users belong to groups and have roles in tenants; how often and when they logged in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.add_column("users", sa.Column("first_login_at", MOMENT))
    op.add_column("users", sa.Column("last_login_at", MOMENT))
    op.add_column(
        "users", sa.Column("failed_logins", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )
    op.add_column("users", sa.Column("last_failed_login_at", MOMENT))
    op.create_table(
        "user_groups",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("ldap_dn", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_user_groups"),
    )
    for table, first, refers, second, to in (
        ("user_group_members", "username", "users.username", "group_name", "user_groups.name"),
        ("tenant_users", "username", "users.username", "tenant", "tenants.name"),
        ("tenant_user_groups", "group_name", "user_groups.name", "tenant", "tenants.name"),
    ):
        role = [] if table == "user_group_members" else [sa.Column("role", sa.Text(), nullable=False)]
        op.create_table(
            table,
            sa.Column(first, sa.Text(), nullable=False),
            sa.Column(second, sa.Text(), nullable=False),
            *role,
            sa.ForeignKeyConstraint([first], [refers], name=f"fk_{table}_{first}", ondelete="CASCADE"),
            sa.ForeignKeyConstraint([second], [to], name=f"fk_{table}_{second}", ondelete="CASCADE"),
            sa.PrimaryKeyConstraint(first, second, name=f"pk_{table}"),
        )
        op.create_index(f"ix_{table}_{second}", table, [second])


def downgrade() -> None:
    for table in ("tenant_user_groups", "tenant_users", "user_group_members", "user_groups"):
        op.drop_table(table)
    for column in ("last_failed_login_at", "failed_logins", "last_login_at", "first_login_at"):
        op.drop_column("users", column)
