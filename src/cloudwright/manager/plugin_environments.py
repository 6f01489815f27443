"""Zygotes: one for workflows and one for operations, of the manager's own environment and of every plugin's.

Workflows and operations are forked from different zygotes so that the loss of the one that runs operations
costs the operations and not the workflows that are to react to it. A zygote that died is started anew when it
is next needed.
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
from cloudwright.errors import Unavailable
from cloudwright.manager import fusion_common
from cloudwright.manager.plugin_commands import child_basics, run_installation
from cloudwright.manager.plugin_selection import PluginCode, find_code
from cloudwright.process.cgroups import Cgroups
from cloudwright.process.shared_runtime import share_runtime
from cloudwright.process.supervisor import Zygote

#: In the home: a folder for each environment, by the key of what is installed in it.
FOLDER = "plugins"
WORKFLOWS = "workflows"
OPERATIONS = "operations"
#: What each kind of child has imported before it is forked: its own code, and the names that plugins import.
PRELOAD = {
    WORKFLOWS: ("cloudwright.workflow.child", "cloudwright.compat.workflow_preload"),
    OPERATIONS: ("cloudwright.operation.child", "cloudwright.compat.operation_preload"),
}
#: What each kind of zygote runs beforehand, so that its children find their code warm.
REHEARSE = {WORKFLOWS: None, OPERATIONS: "cloudwright.operation.warmup:warm_up"}
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
    def __init__(self, home: Path, cgroups: Cgroups | None = None) -> None:
        """Each child gets a cgroup in ``cgroups``, if there are any."""
        self.cgroups = cgroups
        self._folder = home / FOLDER
        self._zygotes: dict[tuple[str, str], Zygote] = {}
        self._deadline: tuple[float, float] | None = None
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._installations = SharedWork()
        #: When each environment was last needed in this life of the manager (seconds since 1970).
        self._needed: dict[str, float] = {}

    async def start(self) -> None:
        """Start the two zygotes of the manager's own environment, so that the first execution need not
        wait for them.
        """
        await asyncio.gather(
            self._zygote(WORKFLOWS, "", sys.executable), self._zygote(OPERATIONS, "", sys.executable)
        )

    def extend(self, deadline: float, last: float) -> None:
        """Extend the deadline of every zygote that there is or will be (``Zygote.extend``)."""
        self._deadline = deadline, last
        for zygote in self._zygotes.values():
            zygote.extend(deadline, last)

    async def close(self) -> None:
        """End every zygote, and with it every process of a workflow or operation that still runs."""
        await self._installations.close()
        zygotes, self._zygotes = list(self._zygotes.values()), {}
        await asyncio.gather(*(zygote.close() for zygote in zygotes))
        if self.cgroups is not None:
            self.cgroups.close()

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
            return PluginEnvironment(await self._zygote(role, "", sys.executable), code)
        python = self._python(code.key)
        return PluginEnvironment(await self._zygote(role, code.key, str(python)), code)

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
        if code.key is not None:
            self._need(code.key)
        return code

    def is_prepared(self, plugin: dict[str, Any] | None, found: dict[str, PluginCode]) -> bool:
        """Return whether ``prepare`` would return at once."""
        code = found.get(_name(plugin))
        return code is not None and self._is_installed(code)

    async def parser(self) -> Zygote:
        """Where the blueprint parser is forked."""
        return await self._zygote(OPERATIONS, "", sys.executable)

    async def remove_unused(self, seconds: float) -> int:
        """Remove the environments that were not needed for so long, and return how many these were.

        What is needed again is installed again. Those that have a zygote stay: something may run in them.
        """
        before = time.time() - seconds
        for key in await asyncio.to_thread(_old_folders, self._folder, before):
            has_zygote = any(
                key == of and not zygote.died.done() for (_, of), zygote in self._zygotes.items()
            )
            if not has_zygote and self._needed.get(key, 0) < before:
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
        zygotes = [zygote for zygote in self._zygotes.values() if not zygote.died.done()]
        return "cgroup" if zygotes and all(zygote.leaves for zygote in zygotes) else "process tree"

    async def _zygote(self, role: str, key: str, python: str) -> Zygote:
        zygote = self._zygotes.get((role, key))
        if zygote is not None and not zygote.died.done():
            return zygote
        async with self._locks.setdefault((role, key), asyncio.Lock()):
            zygote = self._zygotes.get((role, key))
            if zygote is None or zygote.died.done():
                if zygote is not None:
                    log.warning("the zygote of %s %s died and is started anew", role, key)
                try:
                    zygote = await _start(role, key, python, self.cgroups)
                except Unavailable as error:
                    # Killed while it started, say. If it cannot be started at all, that shows again.
                    log.warning("%s It is started once more.", error)
                    zygote = await _start(role, key, python, self.cgroups)
                if self._deadline is not None:
                    zygote.extend(*self._deadline)
                self._zygotes[role, key] = zygote
            return zygote

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


async def _start(role: str, key: str, python: str, cgroups: Cgroups | None) -> Zygote:
    return await Zygote.start(
        name=f"{role}-{key or 'own'}",
        python=python,
        preload=PRELOAD[role],
        rehearse=REHEARSE[role],
        env=child_basics(),
        cgroups=cgroups,
    )


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
