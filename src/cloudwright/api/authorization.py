"""Who may do what: each route declares its permission, and roles have permissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from cloudwright.errors import Forbidden
from cloudwright.manager.principals import Principal
from cloudwright.model.permissions import Permission, is_permitted

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


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
    """Check that a role that the principal has in the tenant has the permission. Raises Forbidden, also if a
    route declares none.
    """
    roles = principal.roles_in(tenant)
    if permission is None or not is_permitted(roles, permission):
        has = ", ".join(f"`{role}`" for role in sorted(roles))
        raise Forbidden(
            f"User `{principal.username}` has no permission `{permission or 'none declared'}` in tenant"
            f" `{tenant}`, only what belongs to {has}."
        )
