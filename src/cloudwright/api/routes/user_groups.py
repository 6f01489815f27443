"""User groups: list, create, change, delete, and their members."""

from __future__ import annotations

from fastapi import Response
from pydantic import BaseModel

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, ListQueryDep, RequestContext, check_fields
from cloudwright.api.responses import JsonResponse, list_page
from cloudwright.api.routes.users import SystemRole
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.manager.identifiers import check_id
from cloudwright.model import rest
from cloudwright.model.permissions import Permission, Role
from cloudwright.storage import audit, memberships
from cloudwright.storage.paging import Page
from cloudwright.storage.records import UserGroup
from cloudwright.storage.store import Connection

router = resource_router("user_groups", "/user-groups")

# A path below that of the groups.
_RESERVED = "users"
_Row = tuple[UserGroup, list[str], dict[str, str]]


class NewGroup(BaseModel):
    """``role`` is one that the members have in every tenant."""

    group_name: str
    role: SystemRole = Role.DEFAULT.value
    ldap_group_dn: str | None = None


class GroupChanges(BaseModel):
    role: SystemRole


class Membership(BaseModel):
    username: str
    group_name: str


@router.get("", response_model=rest.Page[rest.UserGroup])
@requires(Permission.USER_GROUP_LIST)
async def list_groups(context: ContextDep, query: ListQueryDep) -> JsonResponse:
    check_fields(query.fields, rest.UserGroup)
    rows, total = await context.manager.store.read_page(_list, query.search, query.page)
    return list_page((_group(row, query.get_data) for row in rows), total, query.page, query.fields)


@router.post("", response_model=rest.UserGroup, status_code=201)
@requires(Permission.USER_GROUP_CREATE)
async def create_group(context: ContextDep, new: NewGroup) -> JsonResponse:
    check_id("user group", new.group_name)
    audit.refer(new.group_name)
    if new.group_name == _RESERVED:
        raise InvalidInput(f"A user group cannot be named `{_RESERVED}`; choose another name.")
    group = UserGroup(new.group_name, new.role, new.ldap_group_dn or None, context.manager.clock())
    await context.change_account(memberships.create_group, group)
    return await _respond(context, new.group_name, status_code=201)


@router.put("/users", response_model=rest.UserGroup)
@requires(Permission.USER_GROUP_ADD_USER)
async def add_member(context: ContextDep, given: Membership) -> JsonResponse:
    """Make a user a member of a group."""
    audit.refer(given.group_name, username=given.username)
    await context.change_account(memberships.add_member, given.username, given.group_name)
    return await _respond(context, given.group_name)


@router.delete("/users", status_code=204)
@requires(Permission.USER_GROUP_REMOVE_USER)
async def remove_member(context: ContextDep, given: Membership) -> Response:
    """End a membership; from the next request on, the user has not what the group gave."""
    audit.refer(given.group_name, username=given.username)
    await context.change_account(memberships.remove_member, given.username, given.group_name)
    return Response(status_code=204)


@router.get("/{name}", response_model=rest.UserGroup)
@requires(Permission.USER_GROUP_GET)
async def get_group(context: ContextDep, name: str, _get_data: bool = False) -> JsonResponse:
    return await _respond(context, name, _get_data)


@router.post("/{name}", response_model=rest.UserGroup)
@requires(Permission.USER_GROUP_UPDATE)
async def update_group(context: ContextDep, name: str, changes: GroupChanges) -> JsonResponse:
    """Change the role that the members have in every tenant."""
    await context.change_account(memberships.set_group_role, name, changes.role)
    return await _respond(context, name)


@router.delete("/{name}", status_code=204)
@requires(Permission.USER_GROUP_DELETE)
async def delete_group(context: ContextDep, name: str) -> Response:
    """Delete a group; its members stay, without what the group gave."""
    await context.change_account(memberships.delete_group, name)
    return Response(status_code=204)


def _with_members(conn: Connection, row: UserGroup) -> _Row:
    return row, memberships.group_members(conn, row.name), memberships.group_tenants(conn, row.name)


def _list(conn: Connection, search: str | None, page: Page) -> tuple[list[_Row], int]:
    rows, total = memberships.list_groups(conn, search, page)
    return [_with_members(conn, row) for row in rows], total


def _get(conn: Connection, name: str) -> _Row:
    return _with_members(conn, memberships.get_group(conn, name))


async def _respond(
    context: RequestContext, name: str, get_data: bool = False, *, status_code: int = 200
) -> JsonResponse:
    row = await context.manager.store.read(_get, name)
    return JsonResponse(_group(row, get_data), status_code=status_code)


def _group(row: _Row, get_data: bool) -> rest.UserGroup:
    group, members, tenants = row
    return {
        "name": group.name,
        "role": group.role,
        "ldap_dn": group.ldap_dn,
        "users": members if get_data else len(members),
        "tenants": tenants if get_data else len(tenants),
    }
