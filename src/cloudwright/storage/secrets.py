"""Secrets: values by key, encrypted by the caller."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection

from cloudwright.storage.filters import SecretFilter
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.paging import EVERYTHING, Page, holds, one_of, read_page
from cloudwright.storage.records import Secret
from cloudwright.storage.schema import secrets

_CATALOGUE = KeyedTable(
    Secret,
    secrets,
    "secret",
    changeable={"value_encrypted", "visibility", "is_hidden_value", "created_by", "updated_at"},
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: secrets.c[name] for name in ("key", "visibility", "created_by", "created_at", "updated_at")
}


def create(conn: Connection, secret: Secret, *, update_if_exists: bool = False, now: datetime) -> Secret:
    """Raises Conflict if there is one already, unless that is to be updated."""
    if update_if_exists and list_secrets(conn, SecretFilter(secret.tenant, [secret.key]), EVERYTHING)[1]:
        return update(
            conn,
            secret.tenant,
            secret.key,
            now,
            value_encrypted=secret.value_encrypted,
            visibility=secret.visibility,
            is_hidden_value=secret.is_hidden_value,
        )
    return _CATALOGUE.add(conn, secret, created_at=now, updated_at=now)


def get(conn: Connection, tenant: str, key: str) -> Secret:
    """Raises NotFound."""
    return _CATALOGUE.get(conn, tenant, key)


def list_secrets(conn: Connection, filter: SecretFilter, page: Page) -> tuple[list[Secret], int]:
    conditions = one_of(
        {
            secrets.c.tenant: None if filter.tenant is None else [filter.tenant],
            secrets.c.key: filter.keys,
        }
    )
    return read_page(
        conn,
        _CATALOGUE.light.where(*conditions, *holds(secrets.c.key, filter.search)),
        Secret,
        page,
        sortable=_SORTABLE,
        default=(secrets.c.key,),
        unique=(secrets.c.tenant, secrets.c.key),
    )


def update(conn: Connection, tenant: str, key: str, now: datetime, **changes: Any) -> Secret:
    """Write some of its columns. Raises NotFound."""
    return _CATALOGUE.change(conn, (tenant, key), {**changes, "updated_at": now})


def delete(conn: Connection, tenant: str, key: str) -> Secret:
    """Answers what it was. Raises NotFound."""
    return _CATALOGUE.remove(conn, tenant, key)
