"""What a blueprint can import from a manager: uploaded blueprints, installed plugins, and URLs whose files
lie in the folder ``imports`` of the manager's home. Nothing is fetched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from cloudwright.dsl import Problem
from cloudwright.dsl.problems import closest, listing
from cloudwright.dsl.resolver import scheme_of
from cloudwright.errors import InvalidInput, NotFound
from cloudwright.manager.principals import find_principal
from cloudwright.model.frames.methods import PARSER_METHODS, call_problem
from cloudwright.storage import blueprints, plugins
from cloudwright.storage.filters import BlueprintFilter, PluginFilter
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Blueprint, Plugin
from cloudwright.storage.store import Connection, Store
from cloudwright.storage.visibility import Scope

#: The folder of the home whose ``HOST/PATH`` is what ``https://HOST/PATH`` stands for.
MAPPED = "imports"


class StoredImports:
    """Resolves the imports of one blueprint of ``tenant`` among what its user ``by`` sees, and remembers what
    it resolved.
    """

    def __init__(self, store: Store, home: Path, tenant: str, by: str | None) -> None:
        self._by = by
        self._store = store
        self._home = home
        self._tenant = tenant
        #: How people know a folder of the manager's: the folder, with a slash, and what stands for it.
        self._names: dict[str, str] = {}

    async def answer(self, method: str, args: dict[str, Any]) -> dict[str, Any]:
        """Return the value for a ``call`` of the parser's. Raises NotFound and InvalidInput, whose message
        ends the sentence "`...` cannot be imported: ".
        """
        problem = call_problem(method, args, PARSER_METHODS)
        if problem is not None:
            raise InvalidInput(problem)
        reference, version = args["reference"], args["version"]
        scheme = scheme_of(reference)
        if scheme == "blueprint":
            return await self._blueprint(reference.partition(":")[2])
        if scheme == "plugin":
            return await self._plugin(reference.partition(":")[2], version)
        if scheme in ("http", "https", "ftp"):
            return await asyncio.to_thread(self._url, reference)
        raise NotFound("there is no such file below the blueprint's folder.")

    def to_problems(self, problems: Iterable[Mapping[str, Any]]) -> list[Problem]:
        """Return the parser's problems, with the names of what was imported and not where the manager keeps
        it.
        """
        return [problem.with_names(self._names) for problem in (Problem(**given) for given in problems)]

    def _found(self, location: str, file: Path, folder: Path, name: str) -> dict[str, Any]:
        self._names[f"{folder}/"] = name
        return {"location": location, "path": str(file), "folder": str(file.parent)}

    async def _blueprint(self, id: str) -> dict[str, Any]:
        id = id.strip()
        blueprint = await self._store.read(_seen_blueprint, self._tenant, id, self._by)
        folder = self._home / str(blueprint.path)
        file = folder / blueprint.main_file_name
        return self._found(f"blueprint:{id}/{blueprint.main_file_name}", file, folder, f"blueprint:{id}/")

    async def _plugin(self, wanted: str, language: str) -> dict[str, Any]:
        name, _, query = wanted.partition("?")
        name = name.strip()
        conditions = _conditions(query)
        installed = await self._store.read(_seen_plugins, self._tenant, self._by)
        plugin = choose(name, conditions, installed)
        folder = self._home / str(plugin.path)
        file = await asyncio.to_thread(_plugin_file, folder, language)
        known = f"plugin:{name} {plugin.package_version}"
        if file is None:
            raise NotFound(f"{known} is installed without a file `plugin.yaml`. Upload the plugin again.")
        labels: dict[str, list[Any]] = {}
        for label in plugin.labels:
            labels.setdefault(label["key"], []).append(label["value"])
        return {
            **self._found(f"{known}/{file.name}", file, folder, f"{known}/"),
            "extra": {"labels": labels},
        }

    def _url(self, url: str) -> dict[str, Any]:
        parts = urlsplit(url)
        root = (self._home / MAPPED).resolve()
        place = f"{parts.hostname or ''}{unquote(parts.path)}"
        file = (root / place).resolve() if "\0" not in place else root
        if not file.is_relative_to(root) or not file.is_file():
            raise NotFound(
                "URLs are not opened while a blueprint is parsed. Put the file beside the blueprint and"
                " import it by its name, or have it put into the manager's home as"
                f" `{MAPPED}/{place}`."
            )
        return self._found(url, file, root, f"{parts.scheme}://")


def choose(name: str, conditions: dict[str, str], installed: list[Plugin]) -> Plugin:
    """Return the newest plugin called ``name`` that fulfils the conditions. Raises NotFound, InvalidInput."""
    named = [plugin for plugin in installed if plugin.package_name == name]
    if not named:
        near = closest(name, {plugin.package_name for plugin in installed})
        hint = f" Did you mean `plugin:{near}`?" if near else " `cfy plugins upload` installs one."
        there = listing({plugin.package_name for plugin in installed})
        raise NotFound(f"no plugin `{name}` is installed (installed are: {there}).{hint}")
    distribution, text = conditions.get("distribution"), conditions.get("version")
    fitting = [plugin for plugin in named if not distribution or plugin.distribution == distribution]
    exact = [plugin for plugin in fitting if plugin.package_version == text]
    if exact:
        return exact[0]
    versions: dict[Version, Plugin] = {}
    for plugin in fitting:
        version = _version(plugin.package_version)
        if version is not None:
            versions.setdefault(version, plugin)
    allowed = list(_specifiers(text).filter(versions))
    if allowed:
        return versions[max(allowed)]
    there = listing(plugin.package_version for plugin in named)
    asked = ", ".join(f"{key} `{value}`" for key, value in conditions.items()) or "a version of Python's form"
    raise NotFound(f"no installed version of the plugin `{name}` has {asked} (installed are: {there}).")


def _conditions(query: str) -> dict[str, str]:
    conditions = {}
    for part in filter(None, query.split("&")):
        key, _, value = part.partition("=")
        if key not in ("version", "distribution"):
            raise InvalidInput(
                f"`{key}` is not a condition of a plugin; the conditions are `version` and `distribution`,"
                " as in `plugin:NAME?version=>=2,<3&distribution=NAME`."
            )
        conditions[key] = unquote(value).strip()
    return conditions


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _specifiers(text: str | None) -> SpecifierSet:
    if not text:
        return SpecifierSet()
    try:
        return SpecifierSet(f"=={text}" if _version(text) else text)
    except InvalidSpecifier as error:
        raise InvalidInput(
            f"`{text}` is not a condition for a version; write one as for Python packages, "
            "such as `>=2.1,<3` or `2.1.4`."
        ) from error


def _plugin_file(folder: Path, language: str) -> Path | None:
    """Return the plugin's description for the blueprint's version of the language, if it has one of its
    own.
    """
    for file in (folder / f"plugin_{language}.yaml", folder / "plugin.yaml"):
        if file.is_file():
            return file
    return None


def imported_folders(
    conn: Connection, tenant: str, home: Path, mapping: Mapping[str, str]
) -> dict[str, Path]:
    """Return the folder of each imported blueprint that is there still. ``mapping`` has their ids by
    namespace, and so has the answer.
    """
    folders = {}
    for namespace, id in mapping.items():
        with suppress(NotFound):
            folders[namespace] = home / str(_usable_blueprint(conn, tenant, id).path)
    return folders


def with_code(conn: Connection, tenant: str, home: Path, plugin: dict[str, Any]) -> dict[str, Any]:
    """Return a plan's ``plugin``, with the folder of the uploaded one that it means as ``uploaded``, where
    there is one.
    """
    if plugin.get("source") or not plugin.get("package_name"):
        return plugin
    conditions = {"version": str(plugin["package_version"])} if plugin.get("package_version") else {}
    try:
        found = choose(str(plugin["package_name"]), conditions, _visible_plugins(conn, tenant))
    except (NotFound, InvalidInput):
        # It may never be needed; an execution that needs it gets the error.
        return plugin
    return {**plugin, "uploaded": str(home / str(found.path))}


_INSTALLED = ("workflow_plugins_to_install", "deployment_plugins_to_install", "host_agent_plugins_to_install")


def plugin_code(conn: Connection, tenant: str, home: Path, plan: Mapping[str, Any]) -> list[str]:
    """Return which uploaded plugins a blueprint's plan uses now, as the folders of their code."""
    plugins = {
        (plugin["name"], plugin.get("package_name"), plugin.get("package_version")): plugin
        for where in _INSTALLED
        for plugin in plan.get(where) or ()
    }
    found = (with_code(conn, tenant, home, plugin).get("uploaded") for plugin in plugins.values())
    return sorted(folder for folder in found if folder)


def _scope(conn: Connection, tenant: str, by: str | None) -> Scope:
    """Return what a user sees in the tenant."""
    user = find_principal(conn, by or "")
    return Scope(None, frozenset({tenant})) if user is None else user.scope(tenant)


def _seen_blueprint(conn: Connection, tenant: str, id: str, by: str | None) -> Blueprint:
    return _usable_blueprint(conn, tenant, id, _scope(conn, tenant, by))


def _seen_plugins(conn: Connection, tenant: str, by: str | None) -> list[Plugin]:
    return _visible_plugins(conn, tenant, _scope(conn, tenant, by))


def _usable_blueprint(conn: Connection, tenant: str, id: str, scope: Scope | None = None) -> Blueprint:
    """Return the tenant's own blueprint, or one that is for all tenants. Raises NotFound, as the end of a
    sentence. Without a ``scope`` what is private is returned too: it was seen when it was imported.
    """
    rows, _ = blueprints.list_blueprints(conn, BlueprintFilter(tenant=scope, ids=[id]), EVERYTHING)
    usable = [row for row in rows if row.tenant == tenant or row.visibility == "global"]
    usable.sort(key=lambda row: row.tenant != tenant)
    if not usable:
        others, _ = blueprints.list_blueprints(conn, BlueprintFilter(tenant=scope or tenant), EVERYTHING)
        there = [row.id for row in others if row.state == "uploaded"]
        near = closest(id, there)
        hint = f" Did you mean `blueprint:{near}`?" if near else ""
        raise NotFound(f"no blueprint `{id}` is uploaded (uploaded are: {listing(there)}).{hint}")
    if usable[0].state != "uploaded":
        raise NotFound(f"the blueprint `{id}` is `{usable[0].state}`. Upload it again, or wait until it is.")
    return usable[0]


def _visible_plugins(conn: Connection, tenant: str, scope: Scope | None = None) -> list[Plugin]:
    """Return the plugins that the tenant may use, its own first; of them what a ``scope`` shows."""
    rows, _ = plugins.list_plugins(conn, PluginFilter(tenant=scope), EVERYTHING)
    usable = [row for row in rows if row.path and (row.tenant == tenant or row.visibility == "global")]
    return sorted(usable, key=lambda row: row.tenant != tenant)
