"""What every bus does; a driver is tested by adding a way to make it to ``BUSES``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.bus.local import LocalBus
from cloudwright.bus.protocol import OVERFLOW, Bus, Closed, Subscription, matches, topic, words

CAPACITY = 8
#: How long a message that must not come is waited for, in seconds; one that must come may take much longer.
SILENCE = 0.02
PATIENCE = 10.0


@asynccontextmanager
async def local_bus() -> AsyncIterator[Bus]:
    bus = LocalBus(capacity=CAPACITY)
    yield bus
    await bus.close()


BUSES = {"local": local_bus}


@pytest.fixture(params=BUSES)
def with_bus(request: pytest.FixtureRequest) -> Callable[[Callable[[Bus], Awaitable[None]]], None]:
    """Runs a coroutine function with a bus of each kind."""

    def run(test: Callable[[Bus], Awaitable[None]]) -> None:
        async def main() -> None:
            async with BUSES[request.param]() as bus:
                await test(bus)

        asyncio.run(main())

    return run


WithBus = Callable[[Callable[[Bus], Awaitable[None]]], None]


async def received(subscription: Subscription, count: int) -> list[tuple[str, dict[str, object]]]:
    """So many messages, and no more."""
    found = []
    for _ in range(count):
        message = await subscription.get(PATIENCE)
        assert message is not None
        found.append(message)
    assert await subscription.get(SILENCE) is None
    return found


def test_what_is_published_arrives_in_order(with_bus: WithBus) -> None:
    async def test(bus: Bus) -> None:
        bus.publish("execution.e1", {"kind": "too early"})
        async with bus.subscribe("execution.e1") as first, bus.subscribe("execution.e1") as second:
            for place in range(5):
                bus.publish("execution.e1", {"kind": "events", "place": place})
            bus.publish("execution.e2", {"kind": "events"})
            expected = [("execution.e1", {"kind": "events", "place": place}) for place in range(5)]
            assert await received(first, 5) == expected
            assert await received(second, 5) == expected

    with_bus(test)


@pytest.mark.parametrize(
    ("pattern", "hits", "misses"),
    [
        ("work.pending", ["work.pending"], ["work", "work.pending.now", "work.other"]),
        ("execution.*", ["execution.e1"], ["execution", "execution.e1.x", "deployment.e1"]),
        ("deployment.*.d1", ["deployment.t.d1"], ["deployment.t.d2", "deployment.t.u.d1"]),
        ("deployment.>", ["deployment.t", "deployment.t.d1"], ["deployment", "blueprint.t.b1"]),
        ("*.t.*", ["deployment.t.d1", "blueprint.t.b1"], ["deployment.u.d1"]),
        (">", ["work", "work.pending"], []),
    ],
)
def test_patterns(with_bus: WithBus, pattern: str, hits: list[str], misses: list[str]) -> None:
    async def test(bus: Bus) -> None:
        async with bus.subscribe(pattern) as subscription:
            for name in [*misses, *hits]:
                bus.publish(name, {})
            assert [name for name, _ in await received(subscription, len(hits))] == hits

    with_bus(test)
    assert all(matches(pattern, name) for name in hits)
    assert not any(matches(pattern, name) for name in misses)


def test_a_message_that_matches_twice_arrives_once(with_bus: WithBus) -> None:
    async def test(bus: Bus) -> None:
        async with bus.subscribe("a.b", "a.*", "a.b", ">", "c") as subscription:
            bus.publish("a.b", {"x": 1})
            bus.publish("c", {"x": 2})
            assert await received(subscription, 2) == [("a.b", {"x": 1}), ("c", {"x": 2})]

    with_bus(test)


def test_a_slow_subscriber_loses_the_oldest_and_is_told(with_bus: WithBus) -> None:
    async def test(bus: Bus) -> None:
        async with bus.subscribe("a") as slow, bus.subscribe("a") as quick:
            seen = []
            for place in range(CAPACITY + 3):
                bus.publish("a", {"place": place})
                message = await quick.get(PATIENCE)
                assert message is not None
                seen.append(message[1]["place"])
            assert seen == list(range(CAPACITY + 3))
            found = await received(slow, CAPACITY + 1)
            assert found[0] == (OVERFLOW, {"lost": 3})
            assert [message["place"] for _, message in found[1:]] == list(range(3, CAPACITY + 3))
            bus.publish("a", {"place": "next"})
            assert await received(slow, 1) == [("a", {"place": "next"})]

    with_bus(test)


def test_a_waiting_subscriber_is_woken(with_bus: WithBus) -> None:
    async def test(bus: Bus) -> None:
        async with bus.subscribe("a") as subscription:
            waiting = asyncio.ensure_future(subscription.get())
            await asyncio.sleep(0)
            assert not waiting.done()
            bus.publish("a", {"x": 1})
            async with asyncio.timeout(PATIENCE):
                assert await waiting == ("a", {"x": 1})

    with_bus(test)


def test_it_iterates_until_it_is_closed(with_bus: WithBus) -> None:
    async def test(bus: Bus) -> None:
        async with bus.subscribe("a") as subscription:
            for place in range(3):
                bus.publish("a", {"place": place})
            await received_all(bus, subscription)

    async def received_all(bus: Bus, subscription: Subscription) -> None:
        async def collect() -> list[object]:
            return [message["place"] async for _, message in subscription]

        collecting = asyncio.ensure_future(collect())
        await asyncio.sleep(0)
        await bus.close()
        async with asyncio.timeout(PATIENCE):
            assert await collecting == [0, 1, 2]
        with pytest.raises(Closed):
            await subscription.get()

    with_bus(test)


def test_after_its_context_nothing_arrives(with_bus: WithBus) -> None:
    async def test(bus: Bus) -> None:
        async with bus.subscribe("a", "b.*") as subscription:
            pass
        bus.publish("a", {})
        bus.publish("b.c", {})
        with pytest.raises(Closed):
            await subscription.get()

    with_bus(test)


def test_a_closed_bus_has_no_subscribers(with_bus: WithBus) -> None:
    async def test(bus: Bus) -> None:
        await bus.close()
        async with bus.subscribe("a") as subscription:
            with pytest.raises(Closed):
                await subscription.get()
        bus.publish("a", {})

    with_bus(test)


def test_many_follow_one_execution_each(with_bus: WithBus) -> None:
    async def test(bus: Bus) -> None:
        async def follow(place: int) -> object:
            async with bus.subscribe(f"execution.e{place}") as subscription:
                ready.release()
                message = await subscription.get(PATIENCE)
                assert message is not None
                return message[1]["place"]

        ready = asyncio.Semaphore(0)
        followers = [asyncio.ensure_future(follow(place)) for place in range(200)]
        for _ in followers:
            await ready.acquire()
        for place in range(200):
            bus.publish(f"execution.e{place}", {"place": place})
        assert await asyncio.gather(*followers) == list(range(200))

    with_bus(test)


@given(st.lists(st.text(), min_size=1))
def test_a_topic_keeps_its_words_whatever_they_hold(given_words: list[str]) -> None:
    name = topic(*given_words)
    assert words(name) == given_words
    assert name.count(".") == len(given_words) - 1
    assert matches(".".join("*" for _ in given_words), name)
    assert name.isascii()
    assert not set(name) & set("*> \t\n")
