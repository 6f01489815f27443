"""Who asks, and what they may see: users with the roles that they have now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cloudwright.errors import NotFound
from cloudwright.model.permissions import Permission, Role, is_permitted
from cloudwright.storage import accounts, memberships
from cloudwright.storage.records import Token, User, UserRoles
from cloudwright.storage.store import Connection
from cloudwright.storage.visibility import Scope

ADMIN_ROLE = Role.SYS_ADMIN.value


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: ``role`` and ``group_roles`` hold in every tenant, ``tenant_roles`` in one.

    ``token`` is the id of the token that showed it, if one did, and ``until`` when that expires.
    """

    username: str
    role: str
    group_roles: frozenset[str] = frozenset()
    tenant_roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    token: str | None = field(default=None, compare=False)
    until: datetime | None = field(default=None, compare=False)

    @property
    def is_admin(self) -> bool:
        return self.role == ADMIN_ROLE or ADMIN_ROLE in self.group_roles

    @property
    def administers(self) -> frozenset[str]:
        """Return the tenants in which the user sees and changes what others keep private."""
        return frozenset(
            tenant
            for tenant, roles in self.tenant_roles.items()
            if is_permitted(roles, Permission.ADMINISTRATORS)
        )

    def scope(self, tenant: str | None = None) -> Scope:
        """Return what the user sees in a tenant, or in all of theirs."""
        if tenant is not None:
            tenants: frozenset[str] | None = frozenset({tenant})
        else:
            tenants = None if self.is_admin else frozenset(self.tenant_roles)
        return Scope(self.username, tenants, None if self.is_admin else self.administers)

    def roles_in(self, tenant: str) -> frozenset[str]:
        return self.group_roles | self.tenant_roles.get(tenant, frozenset()) | {self.role}


def find_principal(conn: Connection, username: str) -> Principal | None:
    """Return who a user is, active or not; None if there is none of that name."""
    found = find_user(conn, username)
    return None if found is None else principal_of(*found)


def principal_of(user: User, roles: UserRoles, token: Token | None = None) -> Principal:
    return Principal(
        user.username,
        user.role,
        frozenset(roles.groups.values()),
        roles.in_tenants(),
        None if token is None else token.id,
        None if token is None else token.expires_at,
    )


def find_user(conn: Connection, username: str) -> tuple[User, UserRoles] | None:
    try:
        return accounts.get_user(conn, username), memberships.roles_of(conn, username)
    except NotFound:
        return None
