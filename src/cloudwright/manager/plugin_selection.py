"""Where a plugin's code is: which folder is put on the path, and whether it needs an environment of its own.

``source: NAME`` of a blueprint's plugin is the folder ``plugins/NAME`` beside the blueprint: a Python
project, or just a package. A plugin with a ``package_name`` is one that was uploaded (``plugins``):
wheels or, again, a project. Wheels, and a project that declares dependencies, need an environment of their
own; everything else runs from where it lies.
"""

from __future__ import annotations

import ast
import hashlib
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cloudwright.errors import InvalidInput, NotFound
from cloudwright.manager.plugin_archives import PROJECT, WAGON, WHEELS

# What a project's description makes those who read it raise: the last two if it is nested too deeply.
_UNREADABLE = (ValueError, SyntaxError, TypeError, AttributeError, RecursionError, MemoryError)
_RUNTIME = ("cloudify_common-", "cloudify_agent-")


@dataclass(frozen=True, slots=True)
class PluginCode:
    """``path`` goes to the front of ``sys.path``; ``project`` is the folder to install, or None where
    nothing needs to be. ``install`` holds pip's arguments, and ``key`` names the contents where they never
    change.
    """

    name: str
    version: str | None
    folder: Path | None
    path: tuple[str, ...]
    project: Path | None
    install: tuple[str, ...] = ()
    key: str | None = None


def locate(plugin: dict[str, Any] | None, blueprint: Path) -> PluginCode:
    """Find the code of ``plugin`` (as in the plan) of the blueprint unpacked in ``blueprint``.

    An uploaded plugin's entry has the folder that it was unpacked in as ``uploaded``
    (``import_resolver.with_code``). Raises NotFound naming the folder that is missing, InvalidInput if the
    project's description cannot be read.
    """
    if plugin is not None and plugin.get("uploaded"):
        return _uploaded(plugin, Path(plugin["uploaded"]))
    if plugin is None or not plugin.get("source"):
        name = plugin["name"] if plugin else "cloudwright"
        if plugin is not None and plugin.get("install", True) and plugin.get("package_name"):
            raise NotFound(
                f"Plugin `{name}` (package {plugin['package_name']} {plugin.get('package_version') or ''}) "
                "is not installed on this manager. Upload it with `cfy plugins upload`, or put its code into "
                f"the folder `plugins/{name}` beside the blueprint and set `source: {name}`."
            )
        return PluginCode(name, plugin.get("package_version") if plugin else None, None, (), None)
    name, source = str(plugin["name"]), str(plugin["source"])
    root = (blueprint / "plugins").resolve()
    folder = (root / source).resolve()
    if root not in folder.parents:
        raise InvalidInput(
            f"Plugin `{name}`: its source `{source}` lies outside the blueprint's `plugins` folder."
        )
    if not folder.is_dir():
        there = sorted(item.name for item in root.iterdir() if item.is_dir()) if root.is_dir() else []
        raise NotFound(
            f"Plugin `{name}`: there is no folder `plugins/{source}` beside the blueprint"
            + (f"; the folders are: {', '.join(there)}." if there else ", nor a folder `plugins`.")
        )
    if (folder / "__init__.py").exists():
        # The folder is the package itself, so its parent is what must be importable.
        return PluginCode(name, plugin.get("package_version"), folder, (str(root),), None)
    return _project(name, plugin.get("package_version"), folder)


def find_code(plugin: dict[str, Any] | None, blueprint: Path) -> PluginCode:
    """Return what ``locate`` returns, with a key if it has to be installed."""
    code = locate(plugin, blueprint)
    if code.project is not None and code.key is None:
        code = replace(code, key=fingerprint(code.project))
    return code


def _uploaded(plugin: dict[str, Any], folder: Path) -> PluginCode:
    name, version, wheels = str(plugin["name"]), plugin.get("package_version"), folder / WHEELS
    if not wheels.is_dir():
        if not (folder / PROJECT).is_dir():
            raise NotFound(f"Plugin `{name}`: the manager has lost its files. Upload it again.")
        return _project(name, version, folder / PROJECT, key=folder.name)
    files = sorted(str(file) for file in wheels.glob("*.whl"))
    if (folder / WAGON).is_file():
        # Everything that it needs is in it, and its copy of Cloudify's runtime is not what it runs on.
        own = [file for file in files if not Path(file).name.lower().startswith(_RUNTIME)]
        return PluginCode(name, version, folder, (), wheels, ("--no-index", "--no-deps", *own), folder.name)
    return PluginCode(name, version, folder, (), wheels, tuple(files), folder.name)


def _project(name: str, version: str | None, folder: Path, *, key: str | None = None) -> PluginCode:
    paths = [str(folder / "src"), str(folder)] if (folder / "src").is_dir() else [str(folder)]
    project = folder if _has_dependencies(name, folder) else None
    return PluginCode(name, version, folder, tuple(paths), project, (str(folder),), key)


def fingerprint(folder: Path) -> str:
    """Return a name for the contents of ``folder``: the same files give the same environment."""
    digest = hashlib.sha256()
    for file in sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ):
        digest.update(str(file.relative_to(folder)).encode() + b"\0")
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def _has_dependencies(name: str, folder: Path) -> bool:
    pyproject, setup = folder / "pyproject.toml", folder / "setup.py"
    if pyproject.exists():
        try:
            project = tomllib.loads(pyproject.read_text("utf-8")).get("project", {})
            if project.get("dependencies") or "dependencies" in project.get("dynamic", ()):
                return True
        except _UNREADABLE as error:
            raise InvalidInput(
                f"Plugin `{name}`: plugins/{folder.name}/pyproject.toml cannot be read: {error}."
            ) from error
    if setup.exists():
        try:
            tree = ast.parse(setup.read_text("utf-8"), str(setup))
        except _UNREADABLE as error:
            raise InvalidInput(
                f"Plugin `{name}`: plugins/{folder.name}/setup.py cannot be read: {error}."
            ) from error
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "install_requires":
                # Anything but a literally empty list may hold something.
                return not (isinstance(node.value, ast.List | ast.Tuple) and not node.value.elts)
    return False
