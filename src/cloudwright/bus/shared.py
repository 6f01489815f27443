"""The bus of several managers: what one publishes arrives at its own subscribers at once, and at those of the
others by a transport.

Messages are gathered for a few milliseconds, and equal ones are sent once. A manager sends a probe to itself
from time to time: if it does not hear that, or its connection is lost, it says so in ``trouble``, and its
subscribers are told over and over that they may have lost messages, so that they look at the database.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import orjson

from cloudwright.background import TaskSet
from cloudwright.bus.local import LocalBus, LocalSubscription
from cloudwright.bus.protocol import Message
from cloudwright.errors import Unavailable

#: Seconds between two sendings; what is published meanwhile goes together.
GATHER_SECONDS = 0.005
#: Seconds between two probes; one that is not heard until the next means that nothing is.
PROBE_SECONDS = 10.0
#: How many messages wait to be sent before the others are told that some were lost instead.
CAPACITY = 10_000
#: Seconds between two tries to connect.
RETRY_SECONDS = 0.5
#: Seconds to wait for the first connection.
OPEN_SECONDS = 10.0

log = logging.getLogger(__name__)


class TransportLost(Exception):
    """The connection cannot be made, or is lost; the text says why."""


class Transport(Protocol):
    """Carries payloads to every manager, this one included."""

    @property
    def limit(self) -> int:
        """The most bytes that a payload may have."""
        ...

    async def listen(self, heard: Callable[[bytes], None], listening: Callable[[], None]) -> None:
        """Call ``listening`` once payloads arrive, then ``heard`` with each. Raises TransportLost at the
        connection's end.
        """
        ...

    async def send(self, payloads: Sequence[bytes]) -> None:
        """Hand payloads over. Raises TransportLost if they cannot be sent now."""
        ...

    async def close(self) -> None: ...


class SharedBus:
    """A ``Bus``. ``trouble`` says why messages of other managers do not arrive; None is well."""

    def __init__(
        self, transport: Transport, *, capacity: int = 1024, probe_seconds: float = PROBE_SECONDS
    ) -> None:
        self.trouble: str | None = None
        self._transport = transport
        self._probe_seconds = probe_seconds
        self._inner = LocalBus(capacity=capacity)
        self._origin = uuid.uuid4().hex
        self._waiting: dict[tuple[str, bytes], None] = {}
        self._dropped = False
        self._published = asyncio.Event()
        self._tried = asyncio.Event()
        self._is_open = False
        self._was_lost = False
        self._probed = self._heard_probe = 0
        self._tasks = TaskSet()

    async def open(self) -> None:
        """Connect. Raises Unavailable if the server is not there."""
        self._tasks.spawn(self._listen(), "listening to the bus")
        with suppress(TimeoutError):
            async with asyncio.timeout(OPEN_SECONDS):
                await self._tried.wait()
        if not self._is_open:
            await self.close()
            raise Unavailable(f"The bus cannot be used: {self.trouble or 'its server does not reply'}.")
        self._tasks.spawn(self._send(), "sending to the bus")
        self._tasks.spawn(self._probe(), "probing the bus")

    def publish(self, topic: str, message: Message) -> None:
        self._inner.publish(topic, message)
        self._waiting[topic, orjson.dumps(message)] = None
        if len(self._waiting) > CAPACITY:
            self._waiting.clear()
            self._dropped = True
        self._published.set()

    def subscribe(self, *patterns: str) -> LocalSubscription:
        return self._inner.subscribe(*patterns)

    async def close(self) -> None:
        await self._inner.close()
        await self._tasks.close()
        await self._transport.close()

    async def _listen(self) -> None:
        while True:
            try:
                await self._transport.listen(self._heard, self._listening)
            except TransportLost as error:
                self._was_lost = True
                self._ail(f"its connection was lost ({error})" if self._is_open else str(error))
                self._tried.set()
            await asyncio.sleep(RETRY_SECONDS)

    def _listening(self) -> None:
        if self._was_lost and self._is_open:
            self._inner.miss()
        self._was_lost, self._is_open = False, True
        self._heard_probe = self._probed
        self._recover()
        self._tried.set()

    def _heard(self, payload: bytes) -> None:
        try:
            content: dict[str, Any] = orjson.loads(payload)
            if content["from"] == self._origin:
                if "probe" in content:
                    self._heard_probe = content["probe"]
                    self._recover()
                return
            if content.get("lost"):
                self._inner.miss()
            for topic, message in content.get("messages", ()):
                self._inner.publish(topic, message)
        except (ValueError, TypeError, KeyError):
            log.exception("a payload of the bus makes no sense: %.200r", payload)

    async def _send(self) -> None:
        while True:
            await self._published.wait()
            self._published.clear()
            waiting, self._waiting = self._waiting, {}
            dropped, self._dropped = self._dropped, False
            try:
                await self._transport.send(list(self._payloads(waiting, dropped)))
            except TransportLost as error:
                # Some may have been sent. The others are told once it works again.
                log.warning("messages to other managers were lost: %s", error)
                self._dropped = True
                self._published.set()
                await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(GATHER_SECONDS)

    def _payloads(self, waiting: dict[tuple[str, bytes], None], dropped: bool) -> list[bytes]:
        """Return what waits in as few payloads as the transport allows."""
        payloads: list[bytes] = []
        items: list[bytes] = []
        size = 0
        for topic, message in waiting:
            item = b"[" + orjson.dumps(topic) + b"," + message + b"]"
            if len(item) + 100 > self._transport.limit:
                log.error("a message under %s is too large for the bus", topic)
                dropped = True
                continue
            if items and size + len(item) + 100 > self._transport.limit:
                payloads.append(self._payload(items))
                items, size = [], 0
            items.append(item)
            size += len(item) + 1
        if items:
            payloads.append(self._payload(items))
        if dropped:
            payloads.append(orjson.dumps({"from": self._origin, "lost": True}))
        return payloads

    def _payload(self, items: list[bytes]) -> bytes:
        return b'{"from":"%s","messages":[%s]}' % (self._origin.encode(), b",".join(items))

    async def _probe(self) -> None:
        while True:
            self._probed += 1
            with suppress(TransportLost):  # not heard then, which is said below
                await self._transport.send([orjson.dumps({"from": self._origin, "probe": self._probed})])
            await asyncio.sleep(self._probe_seconds)
            if self._heard_probe < self._probed:
                self._ail(f"its own messages have not been heard for {self._probe_seconds:g} s")
            if self.trouble is not None:
                self._inner.miss()

    def _ail(self, why: str) -> None:
        if self.trouble is None:
            log.warning("the bus does not work: %s. The database is looked at instead.", why)
        self.trouble = why

    def _recover(self) -> None:
        if self.trouble is not None:
            log.warning("the bus works again")
            self.trouble = None
