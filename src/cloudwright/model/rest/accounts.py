"""Users, their tokens and groups, tenants, and what roles may do."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict


class Token(TypedDict, total=False):
    """``value`` is complete only in the response that creates the token."""

    id: str
    username: str
    role: str | None
    description: str | None
    value: str
    expiration_date: str | None
    last_used: str | None


class User(TypedDict, total=False):
    """``tenants`` and ``groups`` are numbers, or with `_get_data` what they are; only then there are
    ``tenant_roles``. ``group_system_roles`` are the roles in every tenant, with the groups that give them.
    ``source`` is who authenticates the user: `local` is the manager itself.
    """

    username: str
    role: str
    group_system_roles: dict[str, list[str]]
    groups: int | list[str]
    tenants: int | dict[str, dict[str, Any]]
    tenant_roles: dict[str, Any]
    active: bool
    source: str
    is_locked: bool
    created_at: str
    first_login_at: str | None
    last_login_at: str | None
    show_getting_started: bool


class UserGroup(TypedDict, total=False):
    """``users`` and ``tenants`` are numbers, or with `_get_data` names, and roles by tenants."""

    name: str
    role: str
    ldap_dn: str | None
    users: int | list[str]
    tenants: int | dict[str, str]


class Tenant(TypedDict, total=False):
    """``users`` and ``groups`` are numbers, or with `_get_data` roles by names; only then there are
    ``user_roles``.
    """

    name: str
    created_at: str
    users: int | dict[str, dict[str, Any]]
    groups: int | dict[str, str]
    user_roles: dict[str, Any]


class RolePermission(TypedDict, total=False):
    role: str
    permission: str
