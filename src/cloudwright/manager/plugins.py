"""Uploaded plugins: stored, found by the blueprints that import them, and deleted.

A plugin's archive is an artifact; what ``plugin_archives`` makes of it is in
``<home>/uploaded_plugins/<tenant>/<id>``. The row is written last and removed first, so what it names exists.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cloudwright.errors import Conflict, DependentExists, NotFound
from cloudwright.manager import plugin_environments, plugin_wheels
from cloudwright.manager.artifacts import Artifacts
from cloudwright.manager.identifiers import check_visibility
from cloudwright.manager.plugin_archives import DESCRIPTION, unpack_plugin
from cloudwright.storage import audit, blueprints, deployments, plugins
from cloudwright.storage.filters import DeploymentFilter, PluginFilter
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Plugin
from cloudwright.storage.store import Connection, Store

FOLDER = "uploaded_plugins"
#: Where there is what was made of plugins, each in a folder named by its id.
_MADE = (plugin_environments.FOLDER, plugin_wheels.FOLDER)
_LANGUAGE = re.compile(r"(?:cloudify_dsl_)?([0-9_]{1,20})")
#: The lists of a plan in which the plugins are that it needs.
NEEDED = ("workflow_plugins_to_install", "deployment_plugins_to_install", "host_agent_plugins_to_install")


class PluginInUse(DependentExists):
    """Deployments need the plugin."""

    code = "plugin_in_use"


class Plugins:
    def __init__(
        self,
        store: Store,
        home: Path,
        artifacts: Artifacts,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._home = home
        self._artifacts = artifacts
        self._clock = clock
        self._new_id = new_id

    async def upload(
        self,
        tenant: str,
        archive: Path,
        *,
        by: str | None,
        title: str | None = None,
        visibility: str = "tenant",
    ) -> Plugin:
        """Make a plugin of ``archive``, which is moved away or removed whatever happens.

        Raises UnsafeArchive, InvalidPlugin, InvalidInput, and Conflict if this version is there already.
        """
        id = self._new_id()
        path = f"{FOLDER}/{tenant}/{id}"
        folder = self._home / path
        try:
            check_visibility(visibility)
            folder.mkdir(parents=True)
            facts = await asyncio.to_thread(unpack_plugin, archive, folder)
            row = Plugin(
                id=id,
                package_name=facts.package_name,
                package_version=facts.package_version,
                tenant=tenant,
                title=title or facts.package_name,
                archive_name=facts.archive_name,
                distribution=facts.distribution,
                path=path,
                plugin_yaml=facts.description,
                visibility=visibility,
                created_by=by,
            )
            audit.refer(id, package_name=row.package_name, package_version=row.package_version)
            now = self._clock()
            write = asyncio.ensure_future(
                self._artifacts.keep(
                    archive, lambda digest: self._store.write(_add, replace(row, artifact=digest), now)
                )
            )
        except BaseException:
            await asyncio.to_thread(_discard, archive, folder)
            raise
        try:
            return await asyncio.shield(write)
        except asyncio.CancelledError:
            # The client has disconnected, which stops no write: the files go only if the row is not stored.
            write.add_done_callback(lambda stored: _keep_if(stored, archive, folder))
            raise
        except Exception:
            await asyncio.to_thread(_discard, archive, folder)
            raise

    async def delete(self, tenant: str, id: str, *, force: bool = False) -> Plugin:
        """Raises NotFound, and without ``force`` PluginInUse if deployments need it."""
        row = await self._store.read(plugins.get, tenant, id)
        if not force:
            users = await self._store.read(_users, row)
            if users:
                named = ", ".join(f"`{user}`" for user in users)
                raise PluginInUse(
                    f"The plugin `{row.package_name}` {row.package_version} is used by the deployments"
                    f" {named}. Delete them first, or keep the plugin."
                )
        row = await self._store.write(plugins.delete, tenant, id)
        # In this order: by the plugin's own folder ``recover`` knows what was not removed to the end.
        for folder in (*(f"{made}/{id}" for made in _MADE), *filter(None, [row.path])):
            await asyncio.to_thread(shutil.rmtree, self._home / folder, ignore_errors=True)
        await self._artifacts.release(row.artifact)
        return row

    async def archive(self, tenant: str, id: str) -> Path:
        """Return the archive as it was sent. Raises NotFound."""
        row = await self._store.read(plugins.get, tenant, id)
        try:
            return await self._artifacts.path(row.artifact or "")
        except (FileNotFoundError, ValueError) as error:
            raise NotFound(
                f"The plugin `{row.package_name}` {row.package_version} has no archive."
            ) from error

    async def description(self, tenant: str, id: str, language: str | None = None) -> Path:
        """Return the ``plugin.yaml``, or the one for a version of the language, such as ``1_3``, if it has
        one.

        Raises NotFound.
        """
        version = _LANGUAGE.fullmatch(language or "")
        if version is not None:
            try:
                return await self._file(tenant, id, f"plugin_{version[1]}.yaml")
            except NotFound:
                pass
        return await self._file(tenant, id, DESCRIPTION)

    async def recover(self) -> None:
        """Remove what uploads and deletions left that ended with an earlier process."""
        rows, _ = await self._store.read(plugins.list_plugins, PluginFilter(), EVERYTHING)
        for row in rows:
            # Before 0.2 the archive lay beside the files.
            archive = self._home / str(row.path) / "archive"
            if row.artifact is None and archive.is_file():
                await self._adopt(row, archive)
        known = {row.path for row in rows}
        for folder in self._home.glob(f"{FOLDER}/*/*"):
            if str(folder.relative_to(self._home)) not in known:
                for left in (*(self._home / made / folder.name for made in _MADE), folder):
                    await asyncio.to_thread(shutil.rmtree, left, ignore_errors=True)

    async def unpack_again(self) -> None:
        """Make the unpacked files of all plugins again from their archives."""
        await asyncio.to_thread(shutil.rmtree, self._home / FOLDER, True)
        rows, _ = await self._store.read(plugins.list_plugins, PluginFilter(), EVERYTHING)
        for row in rows:
            if row.artifact is None or row.path is None:
                continue
            folder = self._home / row.path
            folder.mkdir(parents=True)
            kept = await self._artifacts.path(row.artifact)
            await asyncio.to_thread(unpack_plugin, kept, folder)

    async def _adopt(self, row: Plugin, archive: Path) -> None:
        await self._artifacts.keep(
            archive, lambda digest: self._store.write(_set_artifact, row.tenant, row.id, digest)
        )

    async def _file(self, tenant: str, id: str, name: str) -> Path:
        row = await self._store.read(plugins.get, tenant, id)
        file = self._home / str(row.path) / name
        if row.path is None or not file.is_file():
            raise NotFound(f"The plugin `{row.package_name}` {row.package_version} has no file `{name}`.")
        return file


def _keep_if(stored: asyncio.Future[Plugin], archive: Path, folder: Path) -> None:
    if not stored.cancelled() and stored.exception() is not None:
        _discard(archive, folder)


def _discard(archive: Path, folder: Path) -> None:
    archive.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _add(conn: Connection, plugin: Plugin, now: datetime) -> Plugin:
    filter = PluginFilter(
        tenant=plugin.tenant,
        package_names=[plugin.package_name],
        package_versions=[plugin.package_version],
    )
    same, _ = plugins.list_plugins(conn, filter, EVERYTHING)
    if any(row.distribution == plugin.distribution for row in same):
        raise Conflict(
            f"The plugin `{plugin.package_name}` {plugin.package_version} is there already, as"
            f" `{same[0].id}`. Delete it first, or send another version."
        )
    return plugins.create(conn, plugin, now)


def _set_artifact(conn: Connection, tenant: str, id: str, digest: str) -> Plugin:
    return plugins.update(conn, tenant, id, artifact=digest)


def _users(conn: Connection, plugin: Plugin) -> list[str]:
    """Return the deployments whose blueprints need the plugin."""
    tenant = None if plugin.visibility == "global" else plugin.tenant
    rows, _ = deployments.list_deployments(conn, DeploymentFilter(tenant=tenant), EVERYTHING)
    needed: dict[tuple[str, str], bool] = {}
    for row in rows:
        key = (row.tenant, row.blueprint_id)
        if key not in needed:
            plan = blueprints.get(conn, *key, with_plan=True).plan or {}
            needed[key] = _needs(plan, plugin)
    return [row.id for row in rows if needed[row.tenant, row.blueprint_id]]


def _needs(plan: Mapping[str, Any], plugin: Plugin) -> bool:
    return any(
        entry.get("package_name") == plugin.package_name
        and entry.get("package_version") in (None, plugin.package_version)
        for name in NEEDED
        for entry in plan.get(name) or ()
    )
