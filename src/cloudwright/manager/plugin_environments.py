"""Where plugins' code runs: the manager's own environment, or one for the content of each plugin that needs
it, installed when it is first used.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from packaging.version import Version

from cloudwright.background import SharedWork
from cloudwright.manager import fusion_common
from cloudwright.manager.plugin_commands import run_installation
from cloudwright.manager.plugin_selection import PluginCode, find_code
from cloudwright.manager.zygotes import OPERATIONS, WORKFLOWS, Zygotes
from cloudwright.process.cgroups import Cgroups
from cloudwright.process.shared_runtime import share_runtime
from cloudwright.process.supervisor import Zygote

#: In the home: a folder for each environment, by the key of what is installed in it.
FOLDER = "plugins"
#: In an environment's folder: a link to what was installed, made when that is whole.
COMPLETE = "complete"
#: What the name of an environment ends with that is being removed.
REMOVED = ".removed"
#: In the folder of what is being installed: the temporary files of that.
TEMPORARY = "temporary"
PIP_INSTALL = ("install", "--quiet", "--disable-pip-version-check")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PluginEnvironment:
    """Where a child is forked, and what it has to put on its path."""

    zygote: Zygote
    code: PluginCode


class PluginEnvironments:
    def __init__(self, home: Path, cgroups: Cgroups | None = None, *, idle: float = 0) -> None:
        """Each child gets a cgroup in ``cgroups``, if there are any. ``idle``: see ``Zygotes``."""
        self.cgroups = cgroups
        self._folder = home / FOLDER
        self._zygotes = Zygotes(cgroups, idle=idle)
        self._installations = SharedWork()
        #: When each environment was last needed in this life of the manager (seconds since 1970).
        self._needed: dict[str, float] = {}

    async def start(self) -> None:
        """Start the two zygotes of the manager's own environment, so that the first execution need not
        wait for them.
        """
        await asyncio.gather(self._zygotes.get(WORKFLOWS), self._zygotes.get(OPERATIONS))

    def extend(self, deadline: float, last: float) -> None:
        """Extend the deadline of every zygote that there is or will be (``Zygote.extend``)."""
        self._zygotes.extend(deadline, last)

    async def close(self) -> None:
        """End every zygote, and with it every process of a workflow or operation that still runs."""
        await self._installations.close()
        await self._zygotes.close()

    async def open(
        self, role: str, plugin: dict[str, Any] | None, blueprint: Path, found: dict[str, PluginCode]
    ) -> PluginEnvironment:
        """Return the environment of ``plugin`` (as in the plan; None for the manager's own), installed if it
        must be.

        ``found`` keeps where the code of a blueprint's plugins is, by their names. Raises NotFound or
        InvalidInput if the plugin cannot be found or read, Unavailable if it cannot be installed.
        """
        code = await self.prepare(plugin, blueprint, found)
        if code.project is None or code.key is None:
            return PluginEnvironment(await self._zygotes.get(role), code)
        python = self._python(code.key)
        return PluginEnvironment(await self._zygotes.get(role, code.key, str(python)), code)

    async def prepare(
        self,
        plugin: dict[str, Any] | None,
        blueprint: Path,
        found: dict[str, PluginCode],
        installing: Callable[[PluginCode], None] | None = None,
    ) -> PluginCode:
        """Find the code of ``plugin``, and install what it needs; ``open`` then has no reason to wait.

        ``installing`` is called before an installation is waited for. It ends, with all its processes, when
        the last of those that wait for it are cancelled. Raises what ``open`` raises.
        """
        name = _name(plugin)
        if name not in found:
            # In a thread: it reads a project's description, which may be of any size.
            found[name] = await asyncio.to_thread(find_code, plugin, blueprint)
        code = found[name]
        if not self._is_installed(code):
            if installing is not None:
                installing(code)
            key = str(code.key)
            await self._installations.join(key, lambda: self._install(self._folder / key, code))
        if code.project is not None and code.key is not None:
            self._need(code.key)
        return code

    def is_prepared(self, plugin: dict[str, Any] | None, found: dict[str, PluginCode]) -> bool:
        """Return whether ``prepare`` would return at once."""
        code = found.get(_name(plugin))
        return code is not None and self._is_installed(code)

    async def parser(self) -> Zygote:
        """Where the blueprint parser is forked."""
        return await self._zygotes.get(OPERATIONS)

    async def remove_unused(self, seconds: float) -> int:
        """Remove the environments that were not needed for so long, and return how many these were.

        What is needed again is installed again. Those that have a zygote stay: something may run in them.
        """
        before = time.time() - seconds
        for key in await asyncio.to_thread(_old_folders, self._folder, before):
            if not self._zygotes.has(key) and self._needed.get(key, 0) < before:
                log.info("Removing the environment %s of plugins, which was not needed for long.", key)
                # At once, so that nothing finds it half there.
                (self._folder / key).rename(self._folder / f"{key}{REMOVED}")
        gone = list(self._folder.glob(f"*{REMOVED}"))
        for folder in gone:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return len(gone)

    def _need(self, key: str) -> None:
        if key not in self._needed:
            os.utime(self._folder / key)
        self._needed[key] = time.time()

    @property
    def tracking(self) -> str:
        """How all that a child starts is found when it is to end: ``cgroup`` or ``process tree``."""
        return self._zygotes.tracking

    def _is_installed(self, code: PluginCode) -> bool:
        if code.project is None or code.key is None:
            return True
        return (self._folder / code.key / COMPLETE).is_symlink()

    def _python(self, key: str) -> Path:
        """Return the interpreter of an environment that is installed."""
        home = self._folder / key
        return home / os.readlink(home / COMPLETE) / "bin" / "python"

    async def _install(self, home: Path, code: PluginCode) -> None:
        # Whatever an interrupted installation left is not to be trusted.
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
        # A folder of its own: an installation that outlived the manager which began it may still write.
        folder = home / secrets.token_hex(4)
        (folder / TEMPORARY).mkdir(parents=True)
        try:
            await self._fill(folder, code)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise
        (home / COMPLETE).symlink_to(folder.name)

    async def _fill(self, folder: Path, code: PluginCode) -> None:
        """Install into ``folder``, which is empty."""
        python, temporary = str(folder / "bin" / "python"), folder / TEMPORARY
        # The environment's interpreter, whosever pip it is: the manager's environment stays out of what is
        # resolved and installed. A pip of its own would take most of the time.
        if _can_install_elsewhere():
            venv = (sys.executable, "-m", "venv", str(folder), "--without-pip")
            await run_installation(code.name, temporary, *venv)
            pip: tuple[str, ...] = (sys.executable, "-m", "pip", "--python", python)
        else:
            await run_installation(code.name, temporary, sys.executable, "-m", "venv", str(folder))
            pip = (python, "-m", "pip")
        fusion_common.provide(folder)
        what = code.install
        if code.project is not None and what == (str(code.project),):
            # Builds write beside what they build, and the stored files are what the key is made from.
            copy = folder / "project"
            await asyncio.to_thread(shutil.copytree, code.project, copy, symlinks=True)
            what = (str(copy),)
        await run_installation(code.name, temporary, *pip, *PIP_INSTALL, *what)
        share_runtime(folder)
        await asyncio.to_thread(shutil.rmtree, temporary, ignore_errors=True)


def _name(plugin: dict[str, Any] | None) -> str:
    return "" if plugin is None else str(plugin["name"])


def _can_install_elsewhere() -> bool:
    """Return whether the manager's pip can install into another environment.

    A project that is built without an environment of its own for that needs what `venv` puts beside a pip.
    """
    if os.environ.get("PIP_NO_BUILD_ISOLATION"):
        return False
    try:
        return Version(version("pip")) >= Version("22.3")
    except PackageNotFoundError:
        return False


def _old_folders(folder: Path, before: float) -> list[str]:
    """Return the names of the environments that no life of a manager needed since then."""
    return [
        path.name
        for path in folder.glob("*")
        if path.is_dir() and path.suffix != REMOVED and path.stat().st_mtime < before
    ]
