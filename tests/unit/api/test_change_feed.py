"""The stream of a tenant's changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from cloudwright.api.change_feed import ChangeFeed
from cloudwright.bus import topics
from cloudwright.bus.local import LocalBus
from cloudwright.storage.store import Store


class _Feed:
    def __init__(self, store: Store) -> None:
        self.bus = LocalBus()
        self.feed = ChangeFeed(self.bus, store)


@pytest.fixture
def feed(tmp_path: Path) -> Any:
    store = Store.open(f"sqlite:///{tmp_path / 'db'}")
    yield _Feed(store)
    store.close()


def _parsed(chunk: bytes) -> list[tuple[str, dict[str, Any]]]:
    messages = []
    for message in chunk.decode().strip().split("\n\n"):
        name, data = message.split("\n")
        messages.append((name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))))
    return messages


async def _next(stream: AsyncIterator[bytes]) -> list[tuple[str, dict[str, Any]]]:
    return _parsed(await anext(stream))


def test_a_tenant_hears_of_its_own_changes_and_of_several_at_once(feed: _Feed) -> None:
    async def run() -> None:
        stream = feed.feed.follow("mine")
        assert await _next(stream) == [("ready", {})]
        waiting = asyncio.ensure_future(_next(stream))
        # The reader subscribes in a task of its own.
        await asyncio.sleep(0)
        feed.bus.publish(topics.deployment("other", "d"), {"state": "created"})
        feed.bus.publish(topics.deployment("mine", "a.b"), {"state": "created"})
        feed.bus.publish(topics.deployment("mine", "a.b"), {"state": "changed"})
        ((name, data),) = await waiting
        assert name == "changed"
        assert (data["kind"], data["id"]) == ("deployment", "a.b")
        assert "created" in data["what"]

    asyncio.run(run())


def test_it_beats_ends_with_the_bus_and_stops_when_it_may_not_go_on(feed: _Feed) -> None:
    async def run() -> None:
        stream = feed.feed.follow("mine", heartbeat=0.01)
        assert await _next(stream) == [("ready", {})]
        assert await _next(stream) == [("beat", {})]

        async def refuse(_: bool) -> bool:
            return False

        checked = feed.feed.follow("mine", check=refuse, check_interval=0.01)
        assert await _next(checked) == [("ready", {})]
        assert await _next(checked) == [("signed_out", {})]
        assert [chunk async for chunk in checked] == []

        await feed.bus.close()
        assert _parsed(b"".join([chunk async for chunk in stream]))[-1] == ("end", {})

    asyncio.run(run())


def test_it_looks_anew_as_soon_as_accounts_change(feed: _Feed) -> None:
    async def run() -> None:
        asked = []

        async def once(look: bool) -> bool:
            asked.append(look)
            return False

        stream = feed.feed.follow("mine", check=once, check_interval=1000, heartbeat=1000)
        assert await _next(stream) == [("ready", {})]
        waiting = asyncio.ensure_future(_next(stream))
        await asyncio.sleep(0)
        feed.bus.publish(topics.ACCOUNTS, {})
        assert await waiting == [("signed_out", {})]
        assert asked == [True]

    asyncio.run(run())


def test_one_that_comes_as_the_last_one_leaves_hears_everything(feed: _Feed) -> None:
    async def run() -> None:
        first = feed.feed.follow("mine")
        await _next(first)
        closing = first.aclose()  # type: ignore[attr-defined]
        await closing
        second = feed.feed.follow("mine")
        assert await _next(second) == [("ready", {})]
        waiting = asyncio.ensure_future(_next(second))
        await asyncio.sleep(0)
        feed.bus.publish(topics.blueprint("mine", "b"), {"state": "uploaded"})
        assert await waiting == [
            ("changed", {"kind": "blueprint", "id": "b", "what": ["uploaded"], "deployment_id": None})
        ]

    asyncio.run(run())
