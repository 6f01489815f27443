"""Who may do what: each route declares its permission, and roles have permissions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from cloudwright.errors import Forbidden
from cloudwright.manager.accounts import ADMIN_ROLE, Principal

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Permission(StrEnum):
    """``READ`` looks at what is in a tenant, ``CHANGE`` changes it, ``RUN`` starts, cancels and resumes
    executions, ``OWN_ACCOUNT`` is about the user's own tokens, ``ALL_TENANTS`` looks at every tenant, and
    ``ACCOUNTS`` looks at other users, and ``MANAGE`` changes the manager itself: its configuration and its
    maintenance mode.
    """

    READ = "read"
    CHANGE = "change"
    RUN = "run"
    OWN_ACCOUNT = "own_account"
    ALL_TENANTS = "all_tenants"
    ACCOUNTS = "accounts"
    MANAGE = "manage"


#: A role that is not listed may do nothing.
ROLES: Mapping[str, frozenset[Permission]] = {
    ADMIN_ROLE: frozenset(Permission),
    "user": frozenset({Permission.READ, Permission.CHANGE, Permission.RUN, Permission.OWN_ACCOUNT}),
    "operator": frozenset({Permission.READ, Permission.RUN, Permission.OWN_ACCOUNT}),
    "viewer": frozenset({Permission.READ, Permission.OWN_ACCOUNT}),
}


def requires(permission: Permission) -> Callable[[Endpoint], Endpoint]:
    """Declare the permission that a route needs; stands below the declaration of the route."""

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.permission = permission  # type: ignore[attr-defined]
        return endpoint

    return declare


def permission_of(endpoint: Callable[..., Any]) -> Permission | None:
    """Return the permission that a route declares; None if it declares none."""
    permission = getattr(endpoint, "permission", None)
    return permission if isinstance(permission, Permission) else None


def authorize(principal: Principal, permission: Permission | None, tenant: str) -> None:
    """Check that the principal's role has the permission. Raises Forbidden, also if a route declares none."""
    if permission is None or permission not in ROLES.get(principal.role, frozenset()):
        raise Forbidden(
            f"User `{principal.username}` with role `{principal.role}` has no permission"
            f" `{permission or 'none declared'}` in tenant `{tenant}`."
        )
