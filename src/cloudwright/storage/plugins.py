"""Installed plugins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection

from cloudwright.storage.filters import PluginFilter
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.paging import Page, holds, one_of, read_page
from cloudwright.storage.records import Plugin
from cloudwright.storage.schema import plugins
from cloudwright.storage.visibility import seen

_CATALOGUE = KeyedTable(
    Plugin,
    plugins,
    "plugin",
    changeable={
        "title",
        "state",
        "error",
        "path",
        "artifact",
        "plugin_yaml",
        "labels",
        "visibility",
        "created_by",
    },
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: plugins.c[name]
    for name in ("id", "package_name", "package_version", "title", "state", "created_by", "created_at")
}


def create(conn: Connection, plugin: Plugin, now: datetime) -> Plugin:
    """Raises Conflict if the id is taken. Whether two may have one name and version is the caller's
    question.
    """
    return _CATALOGUE.add(conn, plugin, created_at=now)


def get(conn: Connection, tenant: str, id: str) -> Plugin:
    """Raises NotFound."""
    return _CATALOGUE.get(conn, tenant, id)


def list_plugins(conn: Connection, filter: PluginFilter, page: Page) -> tuple[list[Plugin], int]:
    conditions = one_of(
        {
            plugins.c.id: filter.ids,
            plugins.c.package_name: filter.package_names,
            plugins.c.package_version: filter.package_versions,
        }
    )
    return read_page(
        conn,
        _CATALOGUE.light.where(
            *seen(filter.tenant, plugins), *conditions, *holds(plugins.c.package_name, filter.search)
        ),
        Plugin,
        page,
        sortable=_SORTABLE,
        default=(plugins.c.package_name, plugins.c.package_version),
        unique=(plugins.c.tenant, plugins.c.id),
    )


def update(conn: Connection, /, tenant: str, id: str, **changes: Any) -> Plugin:
    """Write some of its columns. Raises NotFound."""
    return _CATALOGUE.change(conn, (tenant, id), changes)


def delete(conn: Connection, tenant: str, id: str) -> Plugin:
    """Answers what it was. Raises NotFound."""
    return _CATALOGUE.remove(conn, tenant, id)
