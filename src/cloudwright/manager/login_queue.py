"""The queue of password verifications, which are dear on purpose.

What must always hold: one verification runs at a time, so that guessing never takes more than one core and
64 MiB; and what waits is bounded, also for each address, so that one that guesses does not keep out others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from cloudwright.errors import TooManyRequests

#: Verifications that may wait or run, in all and of one address.
MAX_WAITING = 20
MAX_WAITING_OF_ADDRESS = 5


class LoginQueue:
    """Runs verifications one after the other, in the order in which they came."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting: Counter[str] = Counter()

    async def verify(self, address: str, verification: Callable[[], bool]) -> bool:
        """Run a verification in a thread when its turn has come, and return its result.

        Raises TooManyRequests at once if too much is waiting already.
        """
        waiting = self._waiting.total()
        if waiting >= MAX_WAITING or self._waiting[address] >= MAX_WAITING_OF_ADDRESS:
            raise TooManyRequests(
                "Too many log-ins are being checked at the moment. Try again in a second, or use a token."
            )
        self._waiting[address] += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(verification)
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]
