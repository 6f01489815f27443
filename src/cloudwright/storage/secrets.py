"""Secrets: values by key, encrypted by the caller."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, or_, select

from cloudwright.errors import Conflict, NotFound
from cloudwright.storage.filter_rules import fulfil
from cloudwright.storage.filters import SecretFilter
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.paging import EVERYTHING, Page, columns_of, holds, one_of, read_page
from cloudwright.storage.records import Secret
from cloudwright.storage.schema import secrets
from cloudwright.storage.visibility import GLOBAL, seen

_CATALOGUE = KeyedTable(
    Secret,
    secrets,
    "secret",
    changeable={
        "value_encrypted",
        "visibility",
        "is_hidden_value",
        "json_schema",
        "created_by",
        "updated_at",
    },
    heavy={"value_encrypted"},
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: secrets.c[name]
    for name in ("key", "tenant", "visibility", "is_hidden_value", "created_by", "created_at", "updated_at")
}


def create(conn: Connection, secret: Secret, now: datetime) -> Secret:
    """Raises Conflict if the tenant has one of that key, or one of another tenant is global."""
    same = select(secrets.c.tenant, secrets.c.visibility).where(secrets.c.key == secret.key)
    for tenant, visibility in conn.execute(same):
        if secret.tenant != tenant and GLOBAL in (visibility, secret.visibility):
            raise Conflict(
                f"There is a secret `{secret.key}` in tenant `{tenant}` already, and a global key is the "
                "only one of its name."
            )
    return _CATALOGUE.add(
        conn, secret, created_at=secret.created_at or now, updated_at=secret.updated_at or now
    )


def get(conn: Connection, tenant: str, key: str) -> Secret:
    """Return a tenant's own secret, with its value. Raises NotFound."""
    return _CATALOGUE.get(conn, tenant, key, whole=True)


def find(conn: Connection, tenant: str, key: str) -> Secret:
    """Return the secret that ``key`` means in a tenant, with its value: its own, or else a global one.

    Raises NotFound.
    """
    own = case((secrets.c.tenant == tenant, 0), else_=1)
    row = conn.execute(
        select(*columns_of(Secret, secrets))
        .where(secrets.c.key == key, or_(secrets.c.tenant == tenant, secrets.c.visibility == GLOBAL))
        .order_by(own)
        .limit(1)
    ).first()
    if row is None:
        raise NotFound(f"There is no secret `{key}` in tenant `{tenant}`.")
    return Secret(*row)


def list_secrets(conn: Connection, filter: SecretFilter, page: Page) -> tuple[list[Secret], int]:
    """Return a page of secrets; their values are not read."""
    return read_page(
        conn,
        _CATALOGUE.light.where(*_conditions(filter)),
        Secret,
        page,
        sortable=_SORTABLE,
        default=(secrets.c.key,),
        unique=(secrets.c.tenant, secrets.c.key),
    )


def whole(conn: Connection, filter: SecretFilter) -> list[Secret]:
    """Return all of them, with their values, by tenant and key."""
    statement = select(*columns_of(Secret, secrets)).where(*_conditions(filter))
    return [Secret(*row) for row in conn.execute(statement.order_by(secrets.c.tenant, secrets.c.key))]


def update(conn: Connection, /, tenant: str, key: str, now: datetime, **changes: Any) -> Secret:
    """Write some of its columns. Raises NotFound, and Conflict if it shall be global and another tenant has
    one of that key.
    """
    if changes.get("visibility") == GLOBAL:
        _, others = list_secrets(conn, SecretFilter(keys=[key]), EVERYTHING)
        if others > 1:
            raise Conflict(
                f"The secret `{key}` cannot be global: another tenant has a secret of that key too."
            )
    return _CATALOGUE.change(conn, (tenant, key), {**changes, "updated_at": now})


def reencrypt(conn: Connection, tenant: str, key: str, before: str, after: str) -> None:
    """Replace what is stored of the value, unless it was changed meanwhile."""
    conn.execute(
        secrets.update()
        .where(secrets.c.tenant == tenant, secrets.c.key == key, secrets.c.value_encrypted == before)
        .values(value_encrypted=after)
    )


def delete(conn: Connection, tenant: str, key: str) -> Secret:
    """Delete the secret and return it. Raises NotFound."""
    return _CATALOGUE.remove(conn, tenant, key)


def _conditions(filter: SecretFilter) -> Iterator[ColumnElement[bool]]:
    if isinstance(filter.tenant, str):
        yield or_(secrets.c.tenant == filter.tenant, secrets.c.visibility == GLOBAL)
    else:
        yield from seen(filter.tenant, secrets)
    yield from one_of({secrets.c.key: filter.keys, secrets.c.visibility: filter.visibilities})
    yield from fulfil(
        filter.rules,
        (secrets.c.tenant, secrets.c.key),
        {"key": secrets.c.key, "visibility": secrets.c.visibility},
    )
    yield from holds(secrets.c.key, filter.search)
