"""Users, their tokens, and tenants."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam
from sqlalchemy import update as sql_update

from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.paging import Page, one_of, read_page
from cloudwright.storage.records import Tenant, Token, User
from cloudwright.storage.schema import tenants, tokens, users

_USERS = KeyedTable(User, users, "user", changeable={"password_hash", "role", "active"})
_TOKENS = KeyedTable(Token, tokens, "token")
_TENANTS = KeyedTable(Tenant, tenants, "tenant")
_USE_TOKEN = sql_update(tokens).where(tokens.c.id == bindparam("token")).values(last_used=bindparam("when"))
_USERS_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: users.c[name] for name in ("username", "role", "active", "created_at")
}
_TOKENS_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: tokens.c[name] for name in ("id", "username", "created_at", "expires_at", "last_used")
}
_TENANTS_SORTABLE: dict[str, ColumnElement[Any]] = {name: tenants.c[name] for name in ("name", "created_at")}


def create_user(conn: Connection, username: str, password_hash: str, role: str, now: datetime) -> User:
    """Raises Conflict."""
    return _USERS.add(conn, User(username, password_hash, role, True, now))


def get_user(conn: Connection, username: str) -> User:
    """Raises NotFound."""
    return _USERS.get(conn, username)


def list_users(conn: Connection, page: Page) -> tuple[list[User], int]:
    order = (users.c.username,)
    return read_page(conn, _USERS.light, User, page, sortable=_USERS_SORTABLE, default=order, unique=order)


def set_password(conn: Connection, username: str, password_hash: str) -> User:
    return _USERS.change(conn, (username,), {"password_hash": password_hash})


def set_role(conn: Connection, username: str, role: str) -> User:
    return _USERS.change(conn, (username,), {"role": role})


def set_active(conn: Connection, username: str, active: bool) -> User:
    return _USERS.change(conn, (username,), {"active": active})


def delete_user(conn: Connection, username: str) -> User:
    """With the user's tokens. Raises NotFound."""
    return _USERS.remove(conn, username)


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


def delete_token(conn: Connection, id: str) -> Token:
    """Raises NotFound."""
    return _TOKENS.remove(conn, id)


def create_tenant(conn: Connection, name: str, now: datetime) -> Tenant:
    """Raises Conflict."""
    return _TENANTS.add(conn, Tenant(name, now))


def get_tenant(conn: Connection, name: str) -> Tenant:
    """Raises NotFound."""
    return _TENANTS.get(conn, name)


def list_tenants(conn: Connection, page: Page) -> tuple[list[Tenant], int]:
    order = (tenants.c.name,)
    return read_page(
        conn, _TENANTS.light, Tenant, page, sortable=_TENANTS_SORTABLE, default=order, unique=order
    )


def delete_tenant(conn: Connection, name: str) -> Tenant:
    """Delete the tenant, but not its blueprints, deployments and executions. Raises NotFound."""
    return _TENANTS.remove(conn, name)
