"""Installing what a plugin needs: ended whole, and begun again where it was interrupted."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cloudwright.errors import Unavailable
from cloudwright.manager import fusion_common, plugin_commands, plugin_environments
from cloudwright.manager.plugin_environments import COMPLETE, PluginEnvironments
from cloudwright.manager.plugin_selection import PluginCode
from cloudwright.process import zygote_start

CODE = PluginCode("box", "1.0", None, (), Path("wheels"), ("box.whl",), "p1")
#: Waits for a process of its own, which holds the other end of a pipe.
PATIENT = "exec 3>{pipe}; sleep 60 & wait"
#: How long what was killed may still be there (seconds).
SOON = 20


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_what_an_installation_started_ends_with_it(pipe: Path) -> None:
    async def interrupt() -> float:
        installing = asyncio.ensure_future(
            plugin_commands.run_installation("box", pipe.parent, "sh", "-c", PATIENT.format(pipe=pipe))
        )
        with await asyncio.to_thread(pipe.open, "rb") as held:
            installing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await installing
            started = time.monotonic()
            assert await asyncio.to_thread(held.read) == b""
            return time.monotonic() - started

    assert asyncio.run(interrupt()) < SOON


def test_one_that_takes_too_long_is_ended(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait() -> float:
        installing = asyncio.ensure_future(
            plugin_commands.run_installation("box", pipe.parent, "sh", "-c", PATIENT.format(pipe=pipe))
        )
        with await asyncio.to_thread(pipe.open, "rb") as held:
            with pytest.raises(Unavailable, match="longer than 2 s"):
                await installing
            started = time.monotonic()
            assert await asyncio.to_thread(held.read) == b""
            return time.monotonic() - started

    monkeypatch.setattr(plugin_commands, "INSTALL_SECONDS", 2)
    assert asyncio.run(wait()) < SOON


def test_an_interrupted_installation_is_begun_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = True
    folders = []

    async def run(plugin: str, temporary: Path, *command: str) -> None:
        if command[1:3] == ("-m", "venv"):
            folders.append(Path(command[3]))
            (Path(command[3]) / "bin").mkdir()
        elif fails:
            raise Unavailable("interrupted")
        else:
            folders[0].mkdir()
            (folders[0] / "late").write_text("by an installation that was thought to be over")

    monkeypatch.setattr(plugin_environments, "run_installation", run)
    monkeypatch.setattr(plugin_environments, "share_runtime", lambda folder: None)
    installing = PluginEnvironments(tmp_path)

    async def installed() -> Path:
        await installing.prepare(None, tmp_path, {"": CODE})
        return installing._python("p1")

    def install() -> Path:
        return asyncio.run(installed())

    with pytest.raises(Unavailable):
        install()
    assert not os.path.lexists(tmp_path / "plugins" / "p1" / COMPLETE)
    fails = False
    python = install()
    assert python == folders[1] / "bin" / "python"
    assert not (folders[1] / "late").exists()
    assert (install(), len(folders)) == (python, 2)


def test_what_runs_from_where_it_lies_has_no_environment(tmp_path: Path) -> None:
    code = PluginCode("box", "1.0", tmp_path, (str(tmp_path),), None, (), "p1")

    async def prepare() -> None:
        assert await PluginEnvironments(tmp_path).prepare(None, tmp_path, {"": code}) is code

    asyncio.run(prepare())
    assert not (tmp_path / "plugins").exists()


def test_a_zygote_that_is_killed_while_it_starts_is_started_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn, killed = zygote_start.spawn, []

    def spawn_and_kill(name: str, python: str, env: Mapping[str, str]) -> Any:
        spawned = spawn(name, python, env)
        if name not in killed:
            killed.append(name)
            spawned[0].kill()
        return spawned

    async def start() -> None:
        begun = PluginEnvironments(tmp_path)
        try:
            await begun.start()
            assert not (await begun.parser()).died.done()
        finally:
            await begun.close()

    monkeypatch.setattr(zygote_start, "spawn", spawn_and_kill)
    asyncio.run(start())
    assert sorted(killed) == ["operations-own", "workflows-own"]


def test_pip_finds_fusion_common_in_an_environment_without_a_pip(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    fusion_common.provide(tmp_path / "env")
    python = str(tmp_path / "env" / "bin" / "python")
    command = [sys.executable, "-m", "pip", "--python", python, "freeze"]
    frozen = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert frozen.stdout == "fusion-common==7.1.0\n"
