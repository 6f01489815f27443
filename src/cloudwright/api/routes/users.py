"""Users: list, create, change, delete."""

from __future__ import annotations

from typing import Literal

from fastapi import Response
from pydantic import BaseModel

from cloudwright.api.authorization import authorize, requires
from cloudwright.api.dependencies import ContextDep, ListQueryDep, RequestContext, check_fields
from cloudwright.api.responses import JsonResponse, list_page, optional_timestamp, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.errors import Conflict, Forbidden, IllegalAction, InvalidInput
from cloudwright.manager.accounts import ADMIN, Accounts
from cloudwright.manager.identifiers import check_username
from cloudwright.manager.principals import ADMIN_ROLE
from cloudwright.model import rest
from cloudwright.model.permissions import Permission, Role
from cloudwright.storage import accounts, audit, memberships
from cloudwright.storage.paging import Page
from cloudwright.storage.records import LOCAL, User, UserRoles
from cloudwright.storage.store import Connection

router = resource_router("users")

SystemRole = Literal["sys_admin", "default"]


class NewUser(BaseModel):
    """``role`` holds in every tenant: `default` allows nothing in any, `sys_admin` everything."""

    username: str
    password: str
    role: SystemRole = Role.DEFAULT.value
    is_prehashed: bool = False


class UserChanges(BaseModel):
    """Either of them. Users change their own password, administrators everything."""

    password: str | None = None
    role: SystemRole | None = None
    show_getting_started: bool | None = None


class Activation(BaseModel):
    action: Literal["activate", "deactivate"]


@router.get("/user", response_model=rest.User)
@requires(Permission.USER_GET_SELF)
async def get_own_user(context: ContextDep, _get_data: bool = False) -> JsonResponse:
    """Return the current user."""
    return await _respond(context, context.principal.username, _get_data)


@router.get("/users", response_model=rest.Page[rest.User])
@requires(Permission.USER_LIST)
async def list_users(context: ContextDep, query: ListQueryDep, active: bool | None = None) -> JsonResponse:
    check_fields(query.fields, rest.User)
    rows, total = await context.manager.store.read_page(_list, query.page, query.search, active)
    users = (_user(context.manager.accounts, *row, query.get_data) for row in rows)
    return list_page(users, total, query.page, query.fields)


@router.put("/users", response_model=rest.User, status_code=201)
@requires(Permission.USER_CREATE)
async def create_user(context: ContextDep, new: NewUser) -> JsonResponse:
    check_username(new.username)
    if new.is_prehashed:
        raise InvalidInput("`is_prehashed` is not supported: give the password itself.")
    audit.refer(new.username)
    manager = context.manager
    password_hash = await manager.accounts.hash_password(new.password)
    await context.change_account(accounts.create_user, new.username, password_hash, new.role, manager.clock())
    return await _respond(context, new.username, status_code=201)


@router.get("/users/{username}", response_model=rest.User)
@requires(Permission.USER_GET_SELF)
async def get_user(context: ContextDep, username: str, _get_data: bool = False) -> JsonResponse:
    if username != context.principal.username:
        authorize(context.principal, Permission.USER_GET, context.tenant)
    return await _respond(context, username, _get_data)


@router.post("/users/{username}", response_model=rest.User)
@requires(Permission.USER_GET_SELF)
async def update_user(context: ContextDep, username: str, changes: UserChanges) -> JsonResponse:
    """Change a password, one's own without further permissions, or a role."""
    if changes.password and changes.role:
        raise InvalidInput("Change the password and the role one after the other.")
    if username != context.principal.username or not changes.password:
        authorize(context.principal, Permission.USER_UPDATE, context.tenant)
    audit.act(Permission.USER_UPDATE)
    if changes.password:
        await _check_local(context, username)
        password_hash = await context.manager.accounts.hash_password(changes.password)
        await context.change_account(accounts.set_password, username, password_hash)
    elif changes.role:
        if changes.role != ADMIN_ROLE:
            _keep_administrators(context, username, "have another role")
        await context.change_account(accounts.set_role, username, changes.role)
    else:
        raise InvalidInput("Give a `password` or a `role`; nothing else of a user can be changed here.")
    return await _respond(context, username)


@router.delete("/users/{username}", status_code=204)
@requires(Permission.USER_DELETE)
async def delete_user(context: ContextDep, username: str) -> Response:
    """Delete a user with their tokens. Refused while resources are private to them."""
    _keep_administrators(context, username, "be deleted")
    await context.change_account(accounts.delete_user, username)
    return Response(status_code=204)


@router.post("/users/active/{username}", response_model=rest.User)
@requires(Permission.USER_SET_ACTIVATED)
async def set_active(context: ContextDep, username: str, given: Activation) -> JsonResponse:
    """Let a user in or keep them out; from the next request on, their tokens are refused too."""
    active = given.action == "activate"
    if not active:
        _keep_administrators(context, username, "be deactivated")
    await context.change_account(_set_active, username, active)
    return await _respond(context, username)


@router.post("/users/unlock/{username}", response_model=rest.User)
@requires(Permission.USER_UNLOCK)
async def unlock_user(context: ContextDep, username: str) -> JsonResponse:
    """Let a user in whom failed log-ins have locked."""
    service = context.manager.accounts
    if not service.is_locked(await service.user(username)):
        raise Conflict(f"User `{username}` is not locked.")
    await context.change_account(accounts.unlock, username)
    return await _respond(context, username)


def _keep_administrators(context: RequestContext, username: str, what: str) -> None:
    """Check that nobody locks themselves out. Raises Forbidden."""
    if username == ADMIN:
        raise Forbidden(f"The first administrator, `{ADMIN}`, cannot {what}.")
    if username == context.principal.username:
        raise Forbidden(f"You, `{username}`, cannot {what} by yourself. Let another administrator do it.")


async def _check_local(context: RequestContext, username: str) -> None:
    """Check that the manager itself authenticates a user. Raises IllegalAction."""
    user = await context.manager.accounts.user(username)
    if user.source != LOCAL:
        raise IllegalAction(f"The password of user `{username}` is kept by `{user.source}`: change it there.")


def _set_active(conn: Connection, username: str, active: bool) -> None:
    if accounts.get_user(conn, username).active == active:
        raise Conflict(f"User `{username}` is {'active' if active else 'inactive'} already.")
    accounts.set_active(conn, username, active)


def _list(
    conn: Connection, page: Page, search: str | None, active: bool | None
) -> tuple[list[tuple[User, UserRoles]], int]:
    rows, total = accounts.list_users(conn, page, search=search, active=active)
    return [(row, memberships.roles_of(conn, row.username)) for row in rows], total


def _get(conn: Connection, username: str) -> tuple[User, UserRoles]:
    return accounts.get_user(conn, username), memberships.roles_of(conn, username)


async def _respond(
    context: RequestContext, username: str, get_data: bool = False, *, status_code: int = 200
) -> JsonResponse:
    row, roles = await context.manager.store.read(_get, username)
    return JsonResponse(_user(context.manager.accounts, row, roles, get_data), status_code=status_code)


def _user(service: Accounts, row: User, roles: UserRoles, get_data: bool) -> rest.User:
    by_role: dict[str, list[str]] = {}
    for group, role in roles.groups.items():
        by_role.setdefault(role, []).append(group)
    in_tenants = {
        tenant: {"tenant-role": roles.direct.get(tenant), "roles": sorted(found)}
        for tenant, found in roles.in_tenants().items()
    }
    made: rest.User = {
        "username": row.username,
        "role": row.role,
        "group_system_roles": by_role,
        "groups": sorted(roles.groups) if get_data else len(roles.groups),
        "tenants": in_tenants if get_data else len(in_tenants),
        "active": row.active,
        "source": row.source,
        "is_locked": service.is_locked(row),
        "created_at": timestamp(row.created_at),
        "first_login_at": optional_timestamp(row.first_login_at),
        "last_login_at": optional_timestamp(row.last_login_at),
        "show_getting_started": False,
    }
    if get_data:
        made["tenant_roles"] = {"direct": roles.direct, "groups": roles.by_group}
    return made
