"""Artifacts are kept as long as a row names them, whatever is cancelled or fails meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloudwright.artifacts.folder import FolderArtifacts
from cloudwright.errors import Conflict
from cloudwright.manager.artifacts import Artifacts
from cloudwright.storage import plugins
from cloudwright.storage.records import Plugin
from cloudwright.storage.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class World:
    def __init__(self, home: Path) -> None:
        self.store = Store.open(f"sqlite:///{home / 'test.db'}")
        self.files = FolderArtifacts(home / "artifacts")
        self.artifacts = Artifacts(self.store, self.files)
        self.arrived = home / "arrived"
        self.arrived.write_bytes(b"content")

    def plugin(self, digest: str) -> asyncio.Future[Plugin]:
        return self.store.write(plugins.create, Plugin("p", "box", "1.0", artifact=digest), NOON)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.store.close()


def test_a_row_that_is_not_stored_leaves_no_artifact(world: World) -> None:
    async def refuse(digest: str) -> None:
        assert list(world.files.digests()) == [digest]
        raise Conflict("there is one")

    with pytest.raises(Conflict):
        asyncio.run(world.artifacts.keep(world.arrived, refuse))
    assert list(world.files.digests()) == []


def test_a_caller_that_goes_away_does_not_part_a_row_from_its_artifact(world: World) -> None:
    async def scene() -> None:
        entered, left = asyncio.Event(), asyncio.Event()

        async def record(digest: str) -> None:
            entered.set()
            await left.wait()
            await world.plugin(digest)

        keeping = asyncio.create_task(world.artifacts.keep(world.arrived, record))
        await entered.wait()
        keeping.cancel()
        [digest] = world.files.digests()
        # Another thing that had the same content is deleted just now.
        releasing = asyncio.create_task(world.artifacts.release(digest))
        left.set()
        await releasing
        assert (await world.store.read(plugins.get, "default_tenant", "p")).artifact == digest
        assert list(world.files.digests()) == [digest]

    asyncio.run(scene())


def test_a_start_removes_what_no_row_names(world: World) -> None:
    async def scene() -> None:
        made = await world.artifacts.keep(world.arrived, world.plugin)
        stray = world.arrived
        stray.write_bytes(b"stray")
        world.files.put(stray, "f" * 64)
        await world.artifacts.sweep()
        assert list(world.files.digests()) == [made.artifact]

    asyncio.run(scene())
