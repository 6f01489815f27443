"""Log-ins are verified one at a time, and what waits is bounded."""

from __future__ import annotations

import asyncio
import threading

import pytest

from cloudwright.errors import TooManyRequests
from cloudwright.manager.login_queue import MAX_WAITING, MAX_WAITING_OF_ADDRESS, LoginQueue


def test_one_at_a_time_and_bounded_by_address_and_in_all() -> None:
    async def check() -> None:
        queue = LoginQueue()
        release = threading.Event()
        running: list[int] = []
        most: list[int] = []

        def verification() -> bool:
            running.append(1)
            most.append(len(running))
            release.wait(20)
            running.pop()
            return True

        waiting = [
            asyncio.ensure_future(queue.verify(f"10.0.0.{address}", verification))
            for address in range(MAX_WAITING // MAX_WAITING_OF_ADDRESS)
            for _ in range(MAX_WAITING_OF_ADDRESS - 1)
        ]
        await asyncio.sleep(0)
        # An address may have so many, and others are not kept out by it.
        waiting.append(asyncio.ensure_future(queue.verify("10.0.0.0", verification)))
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests):
            await queue.verify("10.0.0.0", verification)
        while len(waiting) < MAX_WAITING:
            waiting.append(asyncio.ensure_future(queue.verify(f"10.1.0.{len(waiting)}", verification)))
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests):
            await queue.verify("10.2.0.0", verification)
        release.set()
        assert await asyncio.gather(*waiting) == [True] * MAX_WAITING
        assert set(most) == {1}
        assert await queue.verify("10.0.0.0", lambda: False) is False

    asyncio.run(asyncio.wait_for(check(), 60))
