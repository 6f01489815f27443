"""The bus of a single process: a bounded queue for every subscription."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from cloudwright.bus.protocol import OVERFLOW, Closed, Message, is_exact, matches


class LocalSubscription:
    def __init__(self, bus: LocalBus, patterns: tuple[str, ...], capacity: int) -> None:
        self.patterns = patterns
        self._bus = bus
        self._waiting: deque[tuple[str, Message]] = deque(maxlen=capacity)
        self._lost = 0
        self._closed = False
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._bus.attach(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[str, Message]:
        try:
            return await self._next()
        except Closed:
            raise StopAsyncIteration from None

    async def get(self, timeout: float | None = None) -> tuple[str, Message] | None:  # noqa: ASYNC109 - None, not an error
        try:
            async with asyncio.timeout(timeout):
                return await self._next()
        except TimeoutError:
            return None

    def put(self, topic: str, message: Message) -> None:
        if len(self._waiting) == self._waiting.maxlen:
            self._lost += 1  # the deque drops its oldest
        self._waiting.append((topic, message))
        self._changed.set()

    def miss(self) -> None:
        """Tell the subscriber that it may have lost messages."""
        self._lost += 1
        self._changed.set()

    def close(self) -> None:
        self._bus.detach(self)
        self._closed = True
        self._changed.set()

    async def _next(self) -> tuple[str, Message]:
        while not self._waiting and not self._lost:
            if self._closed:
                raise Closed
            self._changed.clear()
            await self._changed.wait()
        if self._lost:
            lost, self._lost = self._lost, 0
            return OVERFLOW, {"lost": lost}
        return self._waiting.popleft()


class LocalBus:
    """``capacity`` is how many messages wait for one subscriber before it loses the oldest."""

    def __init__(self, *, capacity: int = 1024) -> None:
        self._capacity = capacity
        # Hundreds of subscribers follow one execution each: they are found by their topic, not by trying them
        # all.
        self._exact: dict[str, dict[LocalSubscription, None]] = {}
        self._others: dict[LocalSubscription, tuple[str, ...]] = {}
        self._closed = False

    def publish(self, topic: str, message: Message) -> None:
        exact = self._exact.get(topic, {})
        for subscription in exact:
            subscription.put(topic, message)
        for subscription, patterns in self._others.items():
            if subscription not in exact and any(matches(pattern, topic) for pattern in patterns):
                subscription.put(topic, message)

    def subscribe(self, *patterns: str) -> LocalSubscription:
        return LocalSubscription(self, patterns, self._capacity)

    def miss(self) -> None:
        """Tell every subscriber that it may have lost messages."""
        for subscription in self._attached():
            subscription.miss()

    async def close(self) -> None:
        self._closed = True
        for subscription in self._attached():
            subscription.close()

    def attach(self, subscription: LocalSubscription) -> None:
        if self._closed:
            subscription.close()
            return
        others = tuple(pattern for pattern in subscription.patterns if not is_exact(pattern))
        if others:
            self._others[subscription] = others
        for pattern in subscription.patterns:
            if is_exact(pattern):
                self._exact.setdefault(pattern, {})[subscription] = None

    def detach(self, subscription: LocalSubscription) -> None:
        self._others.pop(subscription, None)
        for pattern in subscription.patterns:
            subscriptions = self._exact.get(pattern)
            if subscriptions is not None:
                subscriptions.pop(subscription, None)
                if not subscriptions:
                    del self._exact[pattern]

    def _attached(self) -> list[LocalSubscription]:
        exact = (subscription for subscriptions in self._exact.values() for subscription in subscriptions)
        return list(dict.fromkeys([*exact, *self._others]))
