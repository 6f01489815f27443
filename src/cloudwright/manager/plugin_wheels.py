"""The wheels from which hosts install a plugin: of the plugin and of all that it needs, made once.

They are served by their digests, so that any number of hosts and plugins share them, and a host needs no
package index.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cloudwright.background import SharedWork
from cloudwright.errors import Unavailable
from cloudwright.manager import fusion_common
from cloudwright.manager.plugin_commands import run_installation
from cloudwright.manager.plugin_selection import PluginCode
from cloudwright.model.frames.worker import PluginInstallation, WheelFile
from cloudwright.process.shared_runtime import bundled

#: In the home: a folder for each plugin, by the key of its code, and in it one for each version of Python.
FOLDER = "plugin_wheels"
#: The list of a plugin's wheels, written last.
_LIST = "wheels.json"
_PIP = "pip"


class PluginWheels:
    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._making = SharedWork()

    async def installation(self, code: PluginCode, making: Callable[[], None]) -> PluginInstallation:
        """Return what a host installs of a plugin that has a key. Raises Unavailable.

        ``making`` is called if its wheels are to be made first; the making ends when the last of those that
        wait for it is cancelled.
        """
        wheels = await self._wheels(str(code.key), code, making)
        own_pip = PluginCode(_PIP, None, None, (), None, ("--no-deps", *map(str, bundled("pip")[:1])))
        pip = await self._wheels(_PIP, own_pip, lambda: None)
        named = "\n".join(sorted(f"{wheel['name']} {wheel['digest']}" for wheel in wheels))
        return {
            "key": hashlib.sha256(named.encode()).hexdigest()[:40],
            "plugin": code.name,
            "version": code.version,
            "wheels": wheels,
            "pip": pip[0] if pip else None,
        }

    def path(self, digest: str) -> Path | None:
        """Return the wheel with this digest, if there is one."""
        if len(digest) != 64 or not digest.isalnum():
            return None
        return next(self._folder.glob(f"*/*/{digest}/*.whl"), None)

    async def close(self) -> None:
        await self._making.close()

    async def _wheels(self, key: str, code: PluginCode, making: Callable[[], None]) -> list[WheelFile]:
        folder = self._folder / key / str(sys.implementation.cache_tag)
        if not (folder / _LIST).is_file():
            making()
            await self._making.join(key, lambda: self._make(folder, code))
        wheels: list[WheelFile] = json.loads(await asyncio.to_thread((folder / _LIST).read_text, "utf-8"))
        return wheels

    async def _make(self, folder: Path, code: PluginCode) -> None:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        work = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}")
        try:
            made = work / "made"
            made.mkdir(parents=True)
            if "--no-deps" in code.install:
                files = [Path(word) for word in code.install if word.endswith(".whl")]
            else:
                await _build(code, work, made)
                files = sorted(made.glob("*.whl"))
            await asyncio.to_thread(_arrange, files, work)
            await asyncio.to_thread(os.rename, work, folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)


async def _build(code: PluginCode, work: Path, made: Path) -> None:
    """Make the wheels of a project or a wheel, and of what they require."""
    found, temporary = work / "found", work / "temporary"
    found.mkdir()
    temporary.mkdir()
    fusion_common.write_wheel(found)
    what = code.install
    if code.project is not None and what == (str(code.project),):
        # Builds write beside what they build, and the stored files are what the key is made from.
        await asyncio.to_thread(shutil.copytree, code.project, work / "project", symlinks=True)
        what = (str(work / "project"),)
    options = ("--quiet", "--disable-pip-version-check", "--wheel-dir", str(made), "--find-links", str(found))
    await run_installation(code.name, temporary, *_pip(code.name), "wheel", *options, *what)


def _pip(plugin: str) -> tuple[str, ...]:
    if find_spec("pip") is not None:
        return sys.executable, "-m", "pip"
    pips = bundled("pip")
    if not pips:
        raise Unavailable(
            f"Plugin `{plugin}` cannot be installed: the Python of the manager has neither pip nor ensurepip."
        )
    return sys.executable, str(pips[0] / "pip")


def _arrange(files: list[Path], work: Path) -> None:
    """Put each wheel into a folder named by its digest, and write the list."""
    wheels: list[dict[str, Any]] = []
    for file in files:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        target = work / digest / file.name
        target.parent.mkdir()
        shutil.copyfile(file, target)
        wheels.append({"name": file.name, "digest": digest, "size": target.stat().st_size})
    for folder in ("made", "found", "project"):
        shutil.rmtree(work / folder, ignore_errors=True)
    (work / _LIST).write_text(json.dumps(wheels), "utf-8")
