"""Zygotes of the worker's own environment and of plugins' environments, which are made on this machine.

An environment is made of wheels that the manager has, without a package index, and named by their digests:
two versions of a plugin are two environments.
"""

from __future__ import annotations

import asyncio
import os
import platform
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import cloudwright
from cloudwright.background import SharedWork
from cloudwright.errors import Unavailable
from cloudwright.process.cgroups import Cgroups
from cloudwright.process.guarded_command import run_guarded
from cloudwright.process.shared_runtime import share_runtime
from cloudwright.process.supervisor import Zygote
from cloudwright.worker.downloads import Downloads
from cloudwright.worker.folder_cache import FolderCache

#: What a zygote of operations has imported, and what it runs beforehand.
PRELOAD = ("cloudwright.operation.child", "cloudwright.compat.operation_preload")
REHEARSE = "cloudwright.operation.warmup:warm_up"
#: How long the installation of a plugin may take (seconds).
INSTALL_SECONDS = 900.0
_PIP = (
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--no-index",
    "--no-deps",
    "--no-warn-script-location",
)
_PASSED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


class Environments:
    """``limit`` is how many bytes plugins' environments may take; those ``in_use`` stay, by their keys."""

    def __init__(
        self,
        folder: Path,
        downloads: Downloads,
        limit: int,
        in_use: Callable[[], Collection[str]],
        cgroups: Cgroups | None,
    ) -> None:
        self._cache = FolderCache(folder, limit, in_use)
        self._downloads = downloads
        self._cgroups = cgroups
        self._making = SharedWork()
        self._zygotes: dict[str, Zygote] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def has(self, installation: Mapping[str, Any]) -> bool:
        return self._cache.has(installation_key(installation))

    async def install(self, installation: Mapping[str, Any]) -> None:
        """Make the environment of a plugin, as the `run` frame has it. Raises Unavailable.

        The work ends, with all its processes, when the last of those that wait for it is cancelled.
        """
        key = installation_key(installation)
        if not self._cache.has(key):
            await self._making.join(key, lambda: self._install(key, installation))

    async def zygote(self, installation: Mapping[str, Any] | None) -> Zygote:
        """Return where the operations of a plugin are forked; None is the worker's own environment."""
        key, python = "", sys.executable
        if installation is not None:
            key = installation_key(installation)
            python = str(self._cache.path(key) / "bin" / "python")
        async with self._locks.setdefault(key, asyncio.Lock()):
            zygote = self._zygotes.get(key)
            if zygote is None or zygote.died.done():
                zygote = self._zygotes[key] = await Zygote.start(
                    name=f"operations-{key or 'own'}",
                    python=python,
                    path=_own_libraries() if installation is None else (),
                    preload=PRELOAD,
                    rehearse=REHEARSE,
                    cgroups=self._cgroups,
                )
            return zygote

    async def close(self) -> None:
        await self._making.close()
        zygotes, self._zygotes = list(self._zygotes.values()), {}
        await asyncio.gather(*(zygote.close() for zygote in zygotes))

    async def _install(self, key: str, installation: Mapping[str, Any]) -> None:
        home = self._cache.path(key)
        downloads = home.with_name(f"{key}.{secrets.token_hex(4)}")
        try:
            # What an interrupted installation left is not to be trusted.
            await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
            await asyncio.to_thread(downloads.mkdir)
            wheels = [await self._fetch(wheel, downloads) for wheel in installation["wheels"]]
            pip = installation["pip"] and await self._fetch(installation["pip"], downloads)
            await self._make(installation, home, wheels, pip)
            await asyncio.to_thread(share_runtime, home)
            gone = await asyncio.to_thread(self._cache.add, key)
        except OSError as error:
            raise Unavailable(
                f"{_named(installation)} could not be installed on the host: {error}."
            ) from error
        finally:
            await asyncio.to_thread(shutil.rmtree, downloads, ignore_errors=True)
        for old in gone:
            zygote = self._zygotes.pop(old, None)
            if zygote is not None:
                await zygote.close()

    async def _fetch(self, wheel: Mapping[str, Any], folder: Path) -> str:
        # pip knows a wheel by the name of its file.
        target = folder / os.path.basename(wheel["name"])
        await self._downloads.file(f"wheels/{wheel['digest']}", target, wheel["digest"])
        return str(target)

    async def _make(
        self, installation: Mapping[str, Any], home: Path, wheels: list[str], pip: str | None
    ) -> None:
        deadline = time.monotonic() + INSTALL_SECONDS

        async def run(*command: str) -> None:
            env = {name: os.environ[name] for name in _PASSED if name in os.environ}
            try:
                code, output = await run_guarded(command, env, deadline - time.monotonic())
            except TimeoutError as error:
                raise Unavailable(
                    f"{_named(installation)}: its installation took longer than {INSTALL_SECONDS:g} s on the "
                    "host and was ended."
                ) from error
            if code:
                tail = "\n".join(output.splitlines()[-15:])
                raise Unavailable(
                    f"{_named(installation)} could not be installed on the host (Python "
                    f"{platform.python_version()}, {platform.system()} {platform.machine()}):\n{tail}"
                )

        await run(sys.executable, "-m", "venv", *(("--without-pip",) if pip else ()), str(home))
        program = [f"{pip}/pip"] if pip else ["-m", "pip"]
        if wheels:
            await run(str(home / "bin" / "python"), *program, *_PIP, *wheels)


def _own_libraries() -> tuple[str, ...]:
    """Return where the libraries are that came with the program, if it is the one of ``agent_program``."""
    folder = Path(cloudwright.__file__).parents[1]
    return (str(folder),) if (folder / "__main__.py").is_file() else ()


def installation_key(installation: Mapping[str, Any] | None) -> str:
    """Return the name of an environment's folder, or nothing for the worker's own."""
    if installation is None:
        return ""
    # Another Python needs another one.
    return f"{installation['key']}-{sys.implementation.cache_tag}"


def _named(installation: Mapping[str, Any]) -> str:
    return f"Plugin `{installation['plugin']}` {installation['version'] or ''}".rstrip()
