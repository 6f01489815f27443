"""Users, their tokens, and tenants."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, not_, or_, select
from sqlalchemy import update as sql_update

from cloudwright.errors import Conflict, DependentExists
from cloudwright.model.execution import END_STATUSES
from cloudwright.storage import kept_values
from cloudwright.storage.columns import UtcDateTime, is_any
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.paging import Page, holds, one_of, read_page
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import LOCAL, Tenant, Token, User
from cloudwright.storage.schema import (
    events,
    executions,
    metadata,
    tenant_user_groups,
    tenant_users,
    tenants,
    tokens,
    users,
)
from cloudwright.storage.visibility import PRIVATE

_USERS = KeyedTable(User, users, "user", changeable={"password_hash", "role", "active", "failed_logins"})
_TOKENS = KeyedTable(Token, tokens, "token")
_TENANTS = KeyedTable(Tenant, tenants, "tenant")
#: What is kept of a tenant while its history is being deleted.
_DELETED_TENANT = "deleted_tenant:"
_ITS_USER = users.c.username == bindparam("user")
_NOTE_LOGIN = Prepared(
    sql_update(users)
    .where(_ITS_USER)
    .values(
        first_login_at=func.coalesce(users.c.first_login_at, bindparam("when", type_=UtcDateTime)),
        last_login_at=bindparam("when", type_=UtcDateTime),
        failed_logins=0,
    )
)
_NOTE_FAILURE = Prepared(
    sql_update(users)
    .where(_ITS_USER)
    .values(
        failed_logins=users.c.failed_logins + 1,
        last_failed_login_at=bindparam("when", type_=UtcDateTime),
    )
)
_EXPIRED = delete(tokens).where(
    tokens.c.username == bindparam("owner"),
    tokens.c.description == bindparam("about"),
    tokens.c.expires_at <= bindparam("now", type_=UtcDateTime),
)
_USE_TOKEN = sql_update(tokens).where(tokens.c.id == bindparam("token")).values(last_used=bindparam("when"))
_USERS_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: users.c[name]
    for name in ("username", "role", "active", "created_at", "first_login_at", "last_login_at")
}
_TOKENS_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: tokens.c[name] for name in ("id", "username", "created_at", "expires_at", "last_used")
}
_TENANTS_SORTABLE: dict[str, ColumnElement[Any]] = {name: tenants.c[name] for name in ("name", "created_at")}


def create_user(
    conn: Connection,
    username: str,
    password_hash: str,
    role: str,
    now: datetime,
    *,
    source: str = LOCAL,
) -> User:
    """Raises Conflict."""
    return _USERS.add(conn, User(username, password_hash, role, True, now, source=source))


def get_user(conn: Connection, username: str) -> User:
    """Raises NotFound."""
    return _USERS.get(conn, username)


def list_users(
    conn: Connection, page: Page, *, search: str | None = None, active: bool | None = None
) -> tuple[list[User], int]:
    conditions = [*holds(users.c.username, search), *one_of({users.c.active: _only(active)})]
    order = (users.c.username,)
    found = _USERS.light.where(*conditions)
    return read_page(conn, found, User, page, sortable=_USERS_SORTABLE, default=order, unique=order)


def note_login(conn: Connection, username: str, now: datetime) -> None:
    """Note a log-in that succeeded; nothing if the user is gone."""
    _NOTE_LOGIN.run(conn, user=username, when=now)


def note_failed_login(conn: Connection, username: str, now: datetime) -> None:
    """Count a log-in that failed; nothing if there is no such user."""
    _NOTE_FAILURE.run(conn, user=username, when=now)


def unlock(conn: Connection, username: str) -> User:
    """Forget the log-ins that failed. Raises NotFound."""
    return _USERS.change(conn, (username,), {"failed_logins": 0})


def set_password(conn: Connection, username: str, password_hash: str) -> User:
    return _USERS.change(conn, (username,), {"password_hash": password_hash})


def set_role(conn: Connection, username: str, role: str) -> User:
    return _USERS.change(conn, (username,), {"role": role})


def set_active(conn: Connection, username: str, active: bool) -> User:
    return _USERS.change(conn, (username,), {"active": active})


def delete_user(conn: Connection, username: str) -> User:
    """With the user's tokens. Raises NotFound, and DependentExists if something is private to them: it would
    belong to the next user of that name.
    """
    user = get_user(conn, username)
    kept = [f"{number} {noun}" for noun, number in _private(conn, username).items()]
    if kept:
        raise DependentExists(
            f"User `{username}` keeps {', '.join(kept)} private. Delete them or let their tenant see them"
            " first, or deactivate the user instead."
        )
    _USERS.remove(conn, username)
    # What was private to them does not become the next user's of that name either.
    its = executions.c.private_to == username
    conn.execute(sql_update(executions).where(its).values(private_to=""))
    return user


def _private(conn: Connection, username: str) -> dict[str, int]:
    """Return how much of everything is private to a user, secrets with hidden values among it."""
    found = {}
    for table in metadata.sorted_tables:
        if "visibility" not in table.c or "created_by" not in table.c:
            continue
        hidden = [table.c.is_hidden_value] if "is_hidden_value" in table.c else []
        its = table.c.created_by == username, or_(table.c.visibility == PRIVATE, *hidden)
        if number := conn.scalar(select(func.count()).select_from(table).where(*its)):
            found[table.name.replace("_", " ")] = number
    return found


def add_token(conn: Connection, token: Token) -> Token:
    """Raises NotFound if there is no such user."""
    get_user(conn, token.username)
    return _TOKENS.add(conn, token)


def get_token(conn: Connection, id: str) -> Token:
    """Raises NotFound. The caller checks whether it has expired."""
    return _TOKENS.get(conn, id)


def list_tokens(conn: Connection, username: str | None, page: Page) -> tuple[list[Token], int]:
    """Return one user's tokens, or those of all users."""
    conditions = one_of({tokens.c.username: None if username is None else [username]})
    return read_page(
        conn,
        _TOKENS.light.where(*conditions),
        Token,
        page,
        sortable=_TOKENS_SORTABLE,
        default=(tokens.c.created_at,),
        unique=(tokens.c.id,),
    )


def use_token(conn: Connection, id: str, now: datetime) -> None:
    """Note that it was used; nothing if it is gone."""
    conn.execute(_USE_TOKEN, {"token": id, "when": now})


def delete_expired(conn: Connection, username: str, description: str, now: datetime) -> None:
    """Delete the user's tokens of that description that have expired."""
    conn.execute(_EXPIRED, {"owner": username, "about": description, "now": now})


def delete_token(conn: Connection, id: str) -> Token:
    """Raises NotFound."""
    return _TOKENS.remove(conn, id)


def create_tenant(conn: Connection, name: str, now: datetime) -> Tenant:
    """Raises Conflict, also while the history of a former tenant of that name is being deleted."""
    tenant = _TENANTS.add(conn, Tenant(name, now))
    if name in deleted_tenants(conn):
        raise Conflict(
            f"The history of the former tenant `{name}` is still being deleted. Try again in a minute."
        )
    return tenant


def get_tenant(conn: Connection, name: str) -> Tenant:
    """Raises NotFound."""
    return _TENANTS.get(conn, name)


def list_tenants(
    conn: Connection, page: Page, *, names: Collection[str] | None = None, search: str | None = None
) -> tuple[list[Tenant], int]:
    """``names`` None is every tenant."""
    conditions = [*holds(tenants.c.name, search), *one_of({tenants.c.name: names})]
    order = (tenants.c.name,)
    found = _TENANTS.light.where(*conditions)
    return read_page(conn, found, Tenant, page, sortable=_TENANTS_SORTABLE, default=order, unique=order)


def delete_tenant(conn: Connection, name: str, now: datetime) -> Tenant:
    """Delete a tenant in which nothing is left but the history of its executions, which nobody sees from then
    on and ``delete_history`` deletes.

    Raises NotFound, and DependentExists.
    """
    tenant = get_tenant(conn, name)
    left = [f"{number} {noun}" for noun, number in _contents(conn, name).items()]
    if left:
        raise DependentExists(f"Tenant `{name}` still has {', '.join(left)}. Delete them first.")
    _TENANTS.remove(conn, name)
    kept_values.keep(conn, _DELETED_TENANT + name, {}, None, now)
    return tenant


def deleted_tenants(conn: Connection) -> list[str]:
    """Return the tenants that were deleted and whose history is not yet."""
    names = kept_values.all_values(conn)
    return [name.removeprefix(_DELETED_TENANT) for name in names if name.startswith(_DELETED_TENANT)]


def delete_history(conn: Connection, tenant: str, at_once: int) -> int:
    """Delete some events of a deleted tenant's executions, or some executions once they have none; return how
    many. 0 is the end, and for a tenant that was not deleted.
    """
    if tenant not in deleted_tenants(conn):
        return 0
    its = select(executions.c.id).where(executions.c.tenant == tenant)
    some_events = select(events.c.id).where(events.c.execution_id.in_(its)).limit(at_once)
    if number := conn.execute(delete(events).where(events.c.id.in_(some_events))).rowcount:
        return number
    some = its.limit(max(at_once // 100, 1))
    if number := conn.execute(delete(executions).where(executions.c.id.in_(some))).rowcount:
        return number
    kept_values.forget(conn, _DELETED_TENANT + tenant)
    return 0


def _contents(conn: Connection, tenant: str) -> dict[str, int]:
    """Return how much of everything is in a tenant: whatever has a column of that name, but memberships."""
    found = {}
    for table in metadata.sorted_tables:
        if "tenant" not in table.c or table in (tenant_users, tenant_user_groups):
            continue
        its = select(func.count()).where(table.c.tenant == tenant)
        if table is executions:
            its = its.where(not_(is_any(executions.c.status, END_STATUSES)))
        if number := conn.scalar(its):
            found[table.name.replace("_", " ")] = number
    return found


def _only(value: Any) -> list[Any] | None:
    return None if value is None else [value]
