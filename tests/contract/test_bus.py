"""What every bus does; a driver is tested by adding a way to make it to ``DRIVERS``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.bus.local import LocalBus
from cloudwright.bus.nats import NatsTransport
from cloudwright.bus.postgresql import PostgresqlTransport
from cloudwright.bus.protocol import OVERFLOW, Bus, Closed, Subscription, matches, topic, words
from cloudwright.bus.shared import SharedBus, Transport
from nats_server import NatsServer
from postgres import PostgresServer

CAPACITY = 8
#: How long a message that must not come is waited for, in seconds; one that must come may take much longer.
SILENCE = 0.02
PATIENCE = 10.0


WithBus = Callable[[Callable[[Bus], Awaitable[None]]], None]
WithTwo = Callable[[Callable[[Bus, Bus], Awaitable[None]]], None]
MakeBus = Callable[[], AbstractAsyncContextManager[Bus]]


@asynccontextmanager
async def local_bus() -> AsyncIterator[Bus]:
    bus = LocalBus(capacity=CAPACITY)
    yield bus
    await bus.close()


@asynccontextmanager
async def shared_bus(transport: Transport) -> AsyncIterator[Bus]:
    bus = SharedBus(transport, capacity=CAPACITY)
    await bus.open()
    yield bus
    await bus.close()


def postgresql_transport(server: PostgresServer) -> Transport:
    return PostgresqlTransport(f"host={server.folder} user=cw dbname=postgres")


def nats_transport(server: NatsServer) -> Transport:
    return NatsTransport(server.url, "cloudwright.test")


DRIVERS: dict[str, Callable[[pytest.FixtureRequest], MakeBus]] = {
    "local": lambda _request: local_bus,
    "postgresql": lambda request: partial(
        lambda server: shared_bus(postgresql_transport(server)), request.getfixturevalue("postgres")
    ),
    "nats": lambda request: partial(
        lambda server: shared_bus(nats_transport(server)), request.getfixturevalue("nats_server")
    ),
}


@pytest.fixture(scope="module")
def nats_server() -> Iterator[NatsServer]:
    server = NatsServer()
    yield server
    server.remove()


@pytest.fixture(params=DRIVERS)
def with_bus(request: pytest.FixtureRequest) -> WithBus:
    """Runs a coroutine function with a bus of each kind."""
    make = DRIVERS[request.param](request)

    def run(test: Callable[[Bus], Awaitable[None]]) -> None:
        async def main() -> None:
            async with make() as bus:
                await test(bus)

        asyncio.run(main())

    return run


@pytest.fixture(params=[name for name in DRIVERS if name != "local"])
def with_two(request: pytest.FixtureRequest) -> WithTwo:
    """Runs a coroutine function with the buses of two managers."""
    make = DRIVERS[request.param](request)

    def run(test: Callable[[Bus, Bus], Awaitable[None]]) -> None:
        async def main() -> None:
            async with make() as one, make() as other:
                await test(one, other)

        asyncio.run(main())

    return run


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


def test_the_subscribers_of_another_manager_receive_each_message_once_and_in_order(with_two: WithTwo) -> None:
    async def test(one: Bus, other: Bus) -> None:
        async with other.subscribe("execution.*", "a.>") as there, one.subscribe("execution.*") as here:
            for place in range(CAPACITY - 1):
                one.publish("execution.e1", {"place": place})
            one.publish("a.b", {"text": "ünï"})
            expected: list[tuple[str, dict[str, object]]] = [
                ("execution.e1", {"place": place}) for place in range(CAPACITY - 1)
            ]
            assert await received(there, CAPACITY) == [*expected, ("a.b", {"text": "ünï"})]
            assert await received(here, CAPACITY - 1) == expected

    with_two(test)


def test_both_managers_publish_and_subscribe(with_two: WithTwo) -> None:
    async def test(one: Bus, other: Bus) -> None:
        async with one.subscribe("a") as here, other.subscribe("a") as there:
            one.publish("a", {"from": "one"})
            assert await received(there, 1) == [("a", {"from": "one"})]
            other.publish("a", {"from": "other"})
            assert await received(here, 2) == [("a", {"from": "one"}), ("a", {"from": "other"})]

    with_two(test)


def test_many_messages_arrive_in_few_payloads_or_many(with_two: WithTwo) -> None:
    async def test(one: Bus, other: Bus) -> None:
        seen: list[object] = []

        async def read() -> None:
            async with other.subscribe("a") as subscription:
                ready.set()
                async for _, message in subscription:
                    seen.append(message["place"])
                    if message["place"] == 199:
                        return

        ready = asyncio.Event()
        reading = asyncio.ensure_future(read())
        await ready.wait()
        for first in range(0, 200, 5):
            for place in range(first, first + 5):
                one.publish("a", {"place": place, "filling": "x" * 1_500})
            async with asyncio.timeout(PATIENCE):
                while len(seen) < first + 5:
                    await asyncio.sleep(0.001)
        await reading
        assert seen == list(range(200))

    with_two(test)


def test_a_message_that_is_too_large_is_an_overflow_elsewhere(with_two: WithTwo) -> None:
    async def test(one: Bus, other: Bus) -> None:
        async with other.subscribe("a") as subscription:
            one.publish("a", {"filling": "x" * 300_000})
            assert await received(subscription, 1) == [(OVERFLOW, {"lost": 1})]
            one.publish("a", {"x": 1})
            assert await received(subscription, 1) == [("a", {"x": 1})]

    with_two(test)


@given(st.lists(st.text(), min_size=1))
def test_a_topic_keeps_its_words_whatever_they_hold(given_words: list[str]) -> None:
    name = topic(*given_words)
    assert words(name) == given_words
    assert name.count(".") == len(given_words) - 1
    assert matches(".".join("*" for _ in given_words), name)
    assert name.isascii()
    assert not set(name) & set("*> \t\n")
