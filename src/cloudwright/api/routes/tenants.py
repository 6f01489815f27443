"""Tenants: list, create, delete, and which users and groups belong to them."""

from __future__ import annotations

from typing import Literal

from fastapi import Response
from pydantic import BaseModel

from cloudwright.api.authorization import authorize, requires
from cloudwright.api.dependencies import ContextDep, ListQueryDep, RequestContext, check_fields
from cloudwright.api.responses import JsonResponse, list_page, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.errors import Forbidden
from cloudwright.manager.identifiers import check_id
from cloudwright.manager.retention import delete_history
from cloudwright.model import rest
from cloudwright.model.permissions import Permission, Role
from cloudwright.storage import accounts, audit, memberships
from cloudwright.storage.paging import Page
from cloudwright.storage.records import DEFAULT_TENANT, Tenant, TenantMembers
from cloudwright.storage.store import Connection

router = resource_router("tenants", "/tenants")

TenantRole = Literal["manager", "user", "operations", "viewer"]


class NewTenant(BaseModel):
    """``rabbitmq_password`` is accepted for clients that send it: there is no such broker."""

    rabbitmq_password: str | None = None


class UserOfTenant(BaseModel):
    username: str
    tenant_name: str


class UserRole(UserOfTenant):
    role: TenantRole = Role.USER.value


class GroupOfTenant(BaseModel):
    group_name: str
    tenant_name: str


class GroupRole(GroupOfTenant):
    role: TenantRole = Role.USER.value


@router.get("", response_model=rest.Page[rest.Tenant])
@requires(Permission.TENANT_LIST)
async def list_tenants(context: ContextDep, query: ListQueryDep) -> JsonResponse:
    """List the tenants that the user may use."""
    check_fields(query.fields, rest.Tenant)
    principal = context.principal
    if query.get_data:
        authorize(principal, Permission.TENANT_LIST_GET_DATA, context.tenant)
    names = None if principal.is_admin else list(principal.tenant_roles)
    rows, total = await context.manager.store.read_page(_list, query.page, names, query.search)
    return list_page((_tenant(*row, query.get_data) for row in rows), total, query.page, query.fields)


@router.put("/users", response_model=rest.Tenant)
@requires(Permission.TENANT_ADD_USER)
async def add_user(context: ContextDep, given: UserRole) -> JsonResponse:
    """Add a user to a tenant, with a role in it."""
    audit.refer(given.tenant_name, username=given.username, role=given.role)
    await context.change_account(memberships.add_user, given.username, given.tenant_name, given.role)
    return await _respond(context, given.tenant_name)


@router.patch("/users", response_model=rest.Tenant)
@requires(Permission.TENANT_UPDATE_USER)
async def update_user(context: ContextDep, given: UserRole) -> JsonResponse:
    """Change the role of a user in a tenant."""
    audit.refer(given.tenant_name, username=given.username, role=given.role)
    await context.change_account(memberships.update_user, given.username, given.tenant_name, given.role)
    return await _respond(context, given.tenant_name)


@router.delete("/users", status_code=204)
@requires(Permission.TENANT_REMOVE_USER)
async def remove_user(context: ContextDep, given: UserOfTenant) -> Response:
    audit.refer(given.tenant_name, username=given.username)
    await context.change_account(memberships.remove_user, given.username, given.tenant_name)
    return Response(status_code=204)


@router.put("/user-groups", response_model=rest.Tenant)
@requires(Permission.TENANT_ADD_GROUP)
async def add_group(context: ContextDep, given: GroupRole) -> JsonResponse:
    """Add a user group to a tenant, with a role that its members have in it."""
    audit.refer(given.tenant_name, group_name=given.group_name, role=given.role)
    await context.change_account(memberships.add_group, given.group_name, given.tenant_name, given.role)
    return await _respond(context, given.tenant_name)


@router.patch("/user-groups", response_model=rest.Tenant)
@requires(Permission.TENANT_UPDATE_GROUP)
async def update_group(context: ContextDep, given: GroupRole) -> JsonResponse:
    """Change the role of a user group in a tenant."""
    audit.refer(given.tenant_name, group_name=given.group_name, role=given.role)
    await context.change_account(memberships.update_group, given.group_name, given.tenant_name, given.role)
    return await _respond(context, given.tenant_name)


@router.delete("/user-groups", status_code=204)
@requires(Permission.TENANT_REMOVE_GROUP)
async def remove_group(context: ContextDep, given: GroupOfTenant) -> Response:
    audit.refer(given.tenant_name, group_name=given.group_name)
    await context.change_account(memberships.remove_group, given.group_name, given.tenant_name)
    return Response(status_code=204)


@router.get("/{name}", response_model=rest.Tenant)
@requires(Permission.TENANT_LIST)
async def get_tenant(context: ContextDep, name: str, _get_data: bool = False) -> JsonResponse:
    """Return a tenant to those who may look at it: their role in that tenant decides."""
    authorize(context.principal, Permission.TENANT_GET, name)
    return await _respond(context, name, _get_data)


@router.post("/{name}", response_model=rest.Tenant, status_code=201)
@requires(Permission.TENANT_CREATE)
async def create_tenant(context: ContextDep, name: str, _new: NewTenant | None = None) -> JsonResponse:
    check_id("tenant", name)
    manager = context.manager
    await context.change_account(accounts.create_tenant, name, manager.clock())
    return await _respond(context, name, status_code=201)


@router.delete("/{name}", status_code=204)
@requires(Permission.TENANT_DELETE)
async def delete_tenant(context: ContextDep, name: str) -> Response:
    """Delete a tenant in which nothing is left, with the history of its executions."""
    if name == DEFAULT_TENANT:
        raise Forbidden(f"The default tenant, `{name}`, cannot be deleted.")
    await context.change_account(accounts.delete_tenant, name, context.manager.clock())
    context.manager.accounts.forget_tenant(name)
    await delete_history(context.manager.store, name)
    return Response(status_code=204)


def _list(
    conn: Connection, page: Page, names: list[str] | None, search: str | None
) -> tuple[list[tuple[Tenant, TenantMembers]], int]:
    rows, total = accounts.list_tenants(conn, page, names=names, search=search)
    return [(row, memberships.members_of(conn, row.name)) for row in rows], total


def _get(conn: Connection, name: str) -> tuple[Tenant, TenantMembers]:
    return accounts.get_tenant(conn, name), memberships.members_of(conn, name)


async def _respond(
    context: RequestContext, name: str, get_data: bool = False, *, status_code: int = 200
) -> JsonResponse:
    row, members = await context.manager.store.read(_get, name)
    return JsonResponse(_tenant(row, members, get_data), status_code=status_code)


def _tenant(row: Tenant, members: TenantMembers, get_data: bool) -> rest.Tenant:
    everybody = {
        name: {"tenant-role": members.users.get(name), "roles": sorted(roles)}
        for name, roles in members.roles().items()
    }
    groups = {name: role for name, (role, _) in members.groups.items()}
    made: rest.Tenant = {
        "name": row.name,
        "created_at": timestamp(row.created_at),
        "users": everybody if get_data else len(everybody),
        "groups": groups if get_data else len(groups),
    }
    if get_data:
        made["user_roles"] = {
            "direct": members.users,
            "groups": {
                name: {"role": role, "users": users} for name, (role, users) in members.groups.items()
            },
        }
    return made
