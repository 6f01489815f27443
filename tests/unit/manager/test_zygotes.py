"""Zygotes of plugins' environments: renewed with what operations load, and ended when nobody uses them."""

from __future__ import annotations

import asyncio
import venv
from collections.abc import Coroutine
from typing import Any

import pytest

from cloudwright.manager import zygotes
from cloudwright.manager.zygotes import OPERATIONS, WORKFLOWS, Zygotes
from cloudwright.process.shared_runtime import share_runtime
from cloudwright.process.supervisor import Zygote


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an environment with two modules, of which one starts a thread."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    share_runtime(folder)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "good_plugin.py").write_text("import decimal\n")
    (packages / "bad_plugin.py").write_text("import threading\nthreading.Thread(target=print).start()\n")
    return str(folder / "bin" / "python")


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def learned(*modules: str) -> dict[str, Any]:
    return {"modules": list(modules), "models": []}


async def renewed(zygotes: Zygotes, python: str, *modules: str) -> Zygote:
    zygote = await zygotes.get(OPERATIONS, "plugin", python)
    assert zygote.learn is not None
    zygote.learn(learned(*modules))
    renewal = zygotes._environments[OPERATIONS, "plugin"].renewal
    assert renewal is not None
    await renewal
    return await zygotes.get(OPERATIONS, "plugin", python)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zygotes, "LEARN_SECONDS", 0.0)


def test_the_next_zygote_has_what_operations_loaded(python: str) -> None:
    async def test() -> None:
        own = Zygotes()
        try:
            first = await own.get(OPERATIONS, "plugin", python)
            second = await renewed(own, python, "good_plugin", "bad_plugin")
            assert second is not first
            assert list(second.warmed) == ["bad_plugin"]
            assert "starts a thread" in second.warmed["bad_plugin"]
            # The first one may still be asked to fork by those who got it before.
            assert not first.died.done()
            assert await renewed(own, python, "json") is not second
        finally:
            await own.close()
        assert first.died.done()
        assert second.died.done()

    run(test())


def test_the_managers_own_zygotes_and_those_of_workflows_learn_nothing(python: str) -> None:
    async def test() -> None:
        own = Zygotes()
        try:
            for zygote in (await own.get(OPERATIONS), await own.get(WORKFLOWS, "plugin", python)):
                assert zygote.learn is None
                assert zygote.warmed is None
        finally:
            await own.close()

    run(test())


def test_one_that_cannot_load_what_is_wanted_is_not_used(
    python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        own = Zygotes()
        try:
            first = await own.get(OPERATIONS, "plugin", python)
            monkeypatch.setattr(zygotes, "WARM", "cloudwright.operation.warm_imports:no_such_function")
            assert await renewed(own, python, "good_plugin") is first
        finally:
            await own.close()

    run(test())


def test_what_nobody_uses_ends(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zygotes, "HOLD_SECONDS", 0.0)

    async def test() -> None:
        own = Zygotes(idle=0.001)
        try:
            mine = await own.get(OPERATIONS)
            first = await own.get(OPERATIONS, "plugin", python)
            second = await renewed(own, python, "good_plugin")
            # It looks by itself after a while.
            await first.died
            await second.died
            assert not mine.died.done()
            third = await own.get(OPERATIONS, "plugin", python)
            # What was learned is kept.
            assert third.warmed == {}
            assert own._environments[OPERATIONS, "plugin"].modules == {"good_plugin": None}
        finally:
            await own.close()

    run(test())


def test_the_deadline_is_that_of_every_zygote(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extended: list[str] = []
    monkeypatch.setattr(Zygote, "extend", lambda zygote, *_: extended.append(zygote.name))

    async def test() -> None:
        own = Zygotes()
        try:
            await own.get(OPERATIONS, "plugin", python)
            own.extend(1.0, 2.0)
            await renewed(own, python, "good_plugin")
            assert extended == ["operations-plugin"] * 2
            own.extend(2.0, 3.0)
            assert extended == ["operations-plugin"] * 4
        finally:
            await own.close()

    run(test())
