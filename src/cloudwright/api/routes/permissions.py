"""Which permissions roles have. They are fixed."""

from __future__ import annotations

from fastapi import Response

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, ListQueryDep
from cloudwright.api.responses import JsonResponse, list_page
from cloudwright.api.routing import resource_router
from cloudwright.errors import IllegalAction, NotFound
from cloudwright.model import rest
from cloudwright.model.permissions import PERMISSIONS, Permission, Role
from cloudwright.storage.paging import Page

router = resource_router("permissions", "/permissions")


@router.get("", response_model=rest.Page[rest.RolePermission])
@requires(Permission.VERSION_GET)
async def list_permissions(_context: ContextDep, query: ListQueryDep) -> JsonResponse:
    """List each permission with each role that has it."""
    return _page(list(Role), query.page)


@router.get("/{role}", response_model=rest.Page[rest.RolePermission])
@requires(Permission.VERSION_GET)
async def list_permissions_of_role(_context: ContextDep, query: ListQueryDep, role: str) -> JsonResponse:
    _check_role(role)
    return _page([Role(role)], query.page)


@router.put("/{role}/{permission}", status_code=400, response_model=rest.ErrorBody)
@router.delete("/{role}/{permission}", status_code=400, response_model=rest.ErrorBody)
@requires(Permission.MANAGER_MANAGE)
async def refuse_change(_context: ContextDep, role: str, permission: str) -> Response:
    """Refused: what a role may do is fixed."""
    _check_role(role)
    raise IllegalAction(
        f"The permissions of roles are fixed, so `{permission[:100]}` of `{role}` stays as it is. Give users"
        " another role instead."
    )


def _check_role(role: str) -> None:
    if role not in PERMISSIONS:
        raise NotFound(f"There is no role `{role[:200]}`; the roles are: {', '.join(Role)}.")


def _page(roles: list[Role], page: Page) -> JsonResponse:
    rows: list[rest.RolePermission] = [
        {"role": role, "permission": permission}
        for permission in Permission
        for role in roles
        if permission in PERMISSIONS[role]
    ]
    end = None if page.size is None else page.offset + page.size
    return list_page(rows[page.offset : end], len(rows), page)
