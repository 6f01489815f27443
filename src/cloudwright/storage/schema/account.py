"""Tenants, users, their tokens and groups, and the roles that users and groups have in tenants."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text, text

from cloudwright.storage.columns import UtcDateTime
from cloudwright.storage.schema.base import metadata

tenants = Table(
    "tenants",
    metadata,
    Column("name", Text, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("username", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("first_login_at", UtcDateTime),
    Column("last_login_at", UtcDateTime),
    # Since the last log-in that succeeded.
    Column("failed_logins", Integer, nullable=False, server_default=text("0")),
    Column("last_failed_login_at", UtcDateTime),
    # Who authenticates the user: `local` is the manager itself.
    Column("source", Text, nullable=False, server_default=text("'local'")),
)

user_groups = Table(
    "user_groups",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("ldap_dn", Text),
    Column("created_at", UtcDateTime, nullable=False),
)

user_group_members = Table(
    "user_group_members",
    metadata,
    Column("username", Text, ForeignKey("users.username", ondelete="CASCADE"), primary_key=True),
    Column(
        "group_name",
        Text,
        ForeignKey("user_groups.name", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
)

tenant_users = Table(
    "tenant_users",
    metadata,
    Column("username", Text, ForeignKey("users.username", ondelete="CASCADE"), primary_key=True),
    Column("tenant", Text, ForeignKey("tenants.name", ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", Text, nullable=False),
)

tenant_user_groups = Table(
    "tenant_user_groups",
    metadata,
    Column("group_name", Text, ForeignKey("user_groups.name", ondelete="CASCADE"), primary_key=True),
    Column("tenant", Text, ForeignKey("tenants.name", ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", Text, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("username", Text, ForeignKey("users.username", ondelete="CASCADE"), nullable=False, index=True),
    Column("secret_hash", Text, nullable=False),
    Column("description", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used", UtcDateTime),
)
