"""A bus of several managers whose server goes away, or says nothing any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import pytest

from cloudwright.bus.nats import NatsTransport
from cloudwright.bus.postgresql import PostgresqlTransport
from cloudwright.bus.protocol import OVERFLOW, Subscription
from cloudwright.bus.shared import SharedBus
from cloudwright.errors import Unavailable
from nats_server import NatsServer
from postgres import PostgresServer

PATIENCE = 30.0


@pytest.fixture
def nats() -> Iterator[NatsServer]:
    server = NatsServer()
    yield server
    server.remove()


async def next_message(subscription: Subscription) -> tuple[str, dict[str, object]]:
    message = await subscription.get(PATIENCE)
    assert message is not None
    return message


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


async def arrives_again(one: SharedBus, other: SharedBus, subscription: Subscription) -> None:
    """Publish until a message arrives; the subscriber was told first that it may have lost some."""
    assert (await next_message(subscription))[0] == OVERFLOW
    await until(lambda: one.trouble is None and other.trouble is None)
    one.publish("a", {"x": 2})
    while (message := await next_message(subscription))[0] == OVERFLOW:
        pass
    assert message == ("a", {"x": 2})


def test_connections_to_postgresql_that_are_terminated_are_made_anew(postgres: PostgresServer) -> None:
    conninfo = f"host={postgres.folder} user=cw dbname=postgres"

    async def main() -> None:
        one, other = (SharedBus(PostgresqlTransport(conninfo, "lost"), probe_seconds=0.2) for _ in range(2))
        await one.open()
        await other.open()
        async with other.subscribe("a") as subscription:
            one.publish("a", {"x": 1})
            assert await next_message(subscription) == ("a", {"x": 1})
            with postgres.connect() as conn:
                conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name LIKE 'cloudwright bus%'"
                )
            await arrives_again(one, other, subscription)
        await one.close()
        await other.close()

    asyncio.run(main())


def test_a_nats_server_that_is_started_again_is_used_again(nats: NatsServer) -> None:
    async def main() -> None:
        one, other = (SharedBus(NatsTransport(nats.url, "lost"), probe_seconds=0.2) for _ in range(2))
        await one.open()
        await other.open()
        async with other.subscribe("a") as subscription:
            one.publish("a", {"x": 1})
            assert await next_message(subscription) == ("a", {"x": 1})
            nats.crash()
            await until(lambda: one.trouble is not None and other.trouble is not None)
            # It neither blocks nor fails.
            one.publish("a", {"x": "lost"})
            nats.start()
            await arrives_again(one, other, subscription)
        await one.close()
        await other.close()

    asyncio.run(main())


class DeafTransport:
    """Takes everything, and lets nothing be heard while it is ``deaf``."""

    limit = 1000
    deaf = True

    def __init__(self) -> None:
        self._heard: Callable[[bytes], None] = lambda _payload: None

    async def listen(self, heard: Callable[[bytes], None], listening: Callable[[], None]) -> None:
        self._heard = heard
        listening()
        await asyncio.Event().wait()

    async def send(self, payloads: Sequence[bytes]) -> None:
        for payload in payloads:
            if not self.deaf:
                self._heard(payload)

    async def close(self) -> None:
        pass


def test_one_that_does_not_hear_itself_says_so_and_tells_its_subscribers_over_and_over() -> None:
    async def main() -> None:
        transport = DeafTransport()
        bus = SharedBus(transport, probe_seconds=0.02)
        await bus.open()
        async with bus.subscribe("a") as subscription:
            for _ in range(3):
                assert (await next_message(subscription))[0] == OVERFLOW
            assert bus.trouble is not None
            assert "have not been heard" in bus.trouble
            transport.deaf = False
            await until(lambda: bus.trouble is None)
        await bus.close()

    asyncio.run(main())


def test_one_whose_server_is_not_there_does_not_open(nats: NatsServer) -> None:
    nats.crash()
    with pytest.raises(Unavailable, match=r"The bus cannot be used: .*[Cc]onnect"):
        asyncio.run(SharedBus(NatsTransport(nats.url, "gone")).open())
    with pytest.raises(Unavailable, match=r"The bus cannot be used: connection .*No such file"):
        asyncio.run(SharedBus(PostgresqlTransport("host=/nonexistent")).open())
