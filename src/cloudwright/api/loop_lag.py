"""The lag of the event loop: how late it comes to what is due. Everything else waits at least as long."""

from __future__ import annotations

import asyncio
import time
from collections import deque

#: Seconds between two samples, and how many are kept: one minute.
INTERVAL = 0.5
SAMPLES = 120


class LoopLag:
    """Samples the lag while ``run`` runs."""

    def __init__(self) -> None:
        self._samples: deque[float] = deque([0.0], SAMPLES)

    @property
    def last(self) -> float:
        """The last sample, in seconds."""
        return self._samples[-1]

    @property
    def largest(self) -> float:
        """The largest sample of the last minute, in seconds."""
        return max(self._samples)

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            due = time.monotonic() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self.add(time.monotonic() - due)

    def add(self, seconds: float) -> None:
        """Record a sample."""
        self._samples.append(max(0.0, seconds))
