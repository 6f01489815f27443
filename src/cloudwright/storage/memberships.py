"""User groups and their members, and the roles that users and groups have in tenants."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, insert, select, update

from cloudwright.errors import Conflict, NotFound
from cloudwright.model.permissions import Role
from cloudwright.storage import accounts
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.paging import Page, holds, read_page
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import TenantMembers, UserGroup, UserRoles
from cloudwright.storage.schema import tenant_user_groups, tenant_users, user_group_members, user_groups

#: In place of a hash that no password has.
NO_PASSWORD = "!"  # noqa: S105

_GROUPS = KeyedTable(UserGroup, user_groups, "user group", changeable={"role", "ldap_dn"})
_GROUPS_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: user_groups.c[name] for name in ("name", "role", "ldap_dn", "created_at")
}
_DIRECT = Prepared(
    select(tenant_users.c.tenant, tenant_users.c.role)
    .where(tenant_users.c.username == bindparam("user"))
    .order_by(tenant_users.c.tenant)
)
_BY_GROUP = Prepared(
    select(
        user_groups.c.name,
        user_groups.c.role,
        tenant_user_groups.c.tenant,
        tenant_user_groups.c.role.label("role_in_tenant"),
    )
    .join_from(user_group_members, user_groups, user_groups.c.name == user_group_members.c.group_name)
    .outerjoin(tenant_user_groups, tenant_user_groups.c.group_name == user_groups.c.name)
    .where(user_group_members.c.username == bindparam("user"))
    .order_by(user_groups.c.name, tenant_user_groups.c.tenant)
)
_USERS_OF_TENANT = (
    select(tenant_users.c.username, tenant_users.c.role)
    .where(tenant_users.c.tenant == bindparam("of_tenant"))
    .order_by(tenant_users.c.username)
)
_GROUPS_OF_TENANT = (
    select(tenant_user_groups.c.group_name, tenant_user_groups.c.role, user_group_members.c.username)
    .outerjoin(user_group_members, user_group_members.c.group_name == tenant_user_groups.c.group_name)
    .where(tenant_user_groups.c.tenant == bindparam("of_tenant"))
    .order_by(tenant_user_groups.c.group_name, user_group_members.c.username)
)


def roles_of(conn: Connection, username: str) -> UserRoles:
    """Return the roles that a user has besides their own; none if there is no such user."""
    direct, by_group = _DIRECT.ask(conn, user=username), _BY_GROUP.ask(conn, user=username)
    roles = UserRoles(direct=dict(direct.all()))
    for group, system_role, tenant, role in by_group.all():
        roles.groups[group] = system_role
        if tenant is not None:
            roles.by_group.setdefault(tenant, {}).setdefault(role, []).append(group)
    return roles


def members_of(conn: Connection, tenant: str) -> TenantMembers:
    """Return who was added to a tenant."""
    given = {"of_tenant": tenant}
    members = TenantMembers(dict(map(tuple, conn.execute(_USERS_OF_TENANT, given))))
    for group, role, username in conn.execute(_GROUPS_OF_TENANT, given):
        _, names = members.groups.setdefault(group, (role, []))
        if username is not None:
            names.append(username)
    return members


def create_group(conn: Connection, group: UserGroup) -> UserGroup:
    """Raises Conflict."""
    return _GROUPS.add(conn, group)


def get_group(conn: Connection, name: str) -> UserGroup:
    """Raises NotFound."""
    return _GROUPS.get(conn, name)


def list_groups(conn: Connection, search: str | None, page: Page) -> tuple[list[UserGroup], int]:
    order = (user_groups.c.name,)
    found = _GROUPS.light.where(*holds(user_groups.c.name, search))
    return read_page(conn, found, UserGroup, page, sortable=_GROUPS_SORTABLE, default=order, unique=order)


def set_group_role(conn: Connection, name: str, role: str) -> UserGroup:
    """Raises NotFound."""
    return _GROUPS.change(conn, (name,), {"role": role})


def delete_group(conn: Connection, name: str) -> UserGroup:
    """Delete it, and with it what its members had by it. Raises NotFound."""
    return _GROUPS.remove(conn, name)


def group_members(conn: Connection, name: str) -> list[str]:
    table = user_group_members.c
    found = select(table.username).where(table.group_name == name).order_by(table.username)
    return list(conn.scalars(found))


def group_tenants(conn: Connection, name: str) -> dict[str, str]:
    """Return the tenants that a group was added to, with its role in each."""
    table = tenant_user_groups.c
    found = select(table.tenant, table.role).where(table.group_name == name).order_by(table.tenant)
    return dict(map(tuple, conn.execute(found)))


def add_member(conn: Connection, username: str, group: str) -> UserGroup:
    """Raises NotFound, and Conflict if the user is a member already."""
    accounts.get_user(conn, username)
    found = _GROUPS.get(conn, group)
    _add(
        conn,
        user_group_members,
        {"username": username, "group_name": group},
        f"User `{username}` is a member of user group `{group}` already.",
    )
    return found


def remove_member(conn: Connection, username: str, group: str) -> None:
    """Raises NotFound."""
    accounts.get_user(conn, username)
    _GROUPS.get(conn, group)
    _remove(
        conn,
        user_group_members,
        {"username": username, "group_name": group},
        f"User `{username}` is not a member of user group `{group}`.",
    )


def sign_in_outside(
    conn: Connection, username: str, source: str, groups: Collection[str], now: datetime
) -> bool:
    """Keep a user whom somebody else has authenticated, as a member of the user groups that stand for one of
    ``groups``, distinguished names as ``same_dn`` makes them. Groups that stand for none are left alone.

    Returns whether the user or a membership is another one now. Raises Conflict if there is a user of that
    name whom another one authenticates.
    """
    changed = False
    try:
        known = accounts.get_user(conn, username)
    except NotFound:
        known = accounts.create_user(conn, username, NO_PASSWORD, Role.DEFAULT, now, source=source)
        changed = True
    if known.source != source:
        raise Conflict(f"The user `{username}` is one of `{known.source}`, not of `{source}`.")
    standing = {
        name: same_dn(dn) in groups
        for name, dn in conn.execute(
            select(user_groups.c.name, user_groups.c.ldap_dn).where(user_groups.c.ldap_dn.is_not(None))
        )
    }
    has = set(
        conn.scalars(select(user_group_members.c.group_name).where(user_group_members.c.username == username))
    )
    for name, is_member in standing.items():
        if is_member and name not in has:
            conn.execute(insert(user_group_members).values(username=username, group_name=name))
        elif not is_member and name in has:
            its = user_group_members.c.username == username, user_group_members.c.group_name == name
            conn.execute(delete(user_group_members).where(*its))
        else:
            continue
        changed = True
    return changed


def same_dn(dn: str) -> str:
    """Return a distinguished name as it is compared: without its case and the spaces around its parts."""
    parts = ("=".join(word.strip() for word in part.split("=", 1)) for part in dn.split(","))
    return ",".join(parts).casefold()


def add_user(conn: Connection, username: str, tenant: str, role: str) -> None:
    """Add a user to a tenant. Raises NotFound, and Conflict if the user belongs to it already."""
    accounts.get_user(conn, username)
    accounts.get_tenant(conn, tenant)
    _add(
        conn,
        tenant_users,
        {"username": username, "tenant": tenant},
        f"User `{username}` belongs to tenant `{tenant}` already. Update their role instead.",
        role=role,
    )


def update_user(conn: Connection, username: str, tenant: str, role: str) -> None:
    """Raises NotFound."""
    _change(conn, tenant_users, {"username": username, "tenant": tenant}, _no_user(username, tenant), role)


def remove_user(conn: Connection, username: str, tenant: str) -> None:
    """Raises NotFound."""
    _remove(conn, tenant_users, {"username": username, "tenant": tenant}, _no_user(username, tenant))


def add_group(conn: Connection, group: str, tenant: str, role: str) -> None:
    """Add a user group to a tenant. Raises NotFound, and Conflict if it belongs to it already."""
    _GROUPS.get(conn, group)
    accounts.get_tenant(conn, tenant)
    _add(
        conn,
        tenant_user_groups,
        {"group_name": group, "tenant": tenant},
        f"User group `{group}` belongs to tenant `{tenant}` already. Update its role instead.",
        role=role,
    )


def update_group(conn: Connection, group: str, tenant: str, role: str) -> None:
    """Raises NotFound."""
    _change(conn, tenant_user_groups, {"group_name": group, "tenant": tenant}, _no_group(group, tenant), role)


def remove_group(conn: Connection, group: str, tenant: str) -> None:
    """Raises NotFound."""
    _remove(conn, tenant_user_groups, {"group_name": group, "tenant": tenant}, _no_group(group, tenant))


def _no_user(username: str, tenant: str) -> str:
    return (
        f"User `{username}` was not added to tenant `{tenant}`; users of groups are not removed one by one."
    )


def _no_group(group: str, tenant: str) -> str:
    return f"User group `{group}` was not added to tenant `{tenant}`."


def _this(table: Table, key: dict[str, str]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))


def _add(conn: Connection, table: Table, key: dict[str, str], taken: str, **more: str) -> None:
    if conn.execute(select(table).where(_this(table, key))).first() is not None:
        raise Conflict(taken)
    conn.execute(insert(table).values(**key, **more))


def _change(conn: Connection, table: Table, key: dict[str, str], missing: str, role: str) -> None:
    if not conn.execute(update(table).where(_this(table, key)).values(role=role)).rowcount:
        raise NotFound(missing)


def _remove(conn: Connection, table: Table, key: dict[str, str], missing: str) -> None:
    if not conn.execute(delete(table).where(_this(table, key))).rowcount:
        raise NotFound(missing)
