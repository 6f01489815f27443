"""Back-pressure: a child is not read from while too much of what it said waits to be stored.

A supervisor reads far faster than a database stores. Without a bound, two children that log without a pause
fill the memory and the queue of writes, and everyone else waits behind their lines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

#: How many frames of one child may wait to be stored.
MAX_FRAMES = 100
#: How many bytes of them, whatever their number.
MAX_BYTES = 4 * 1024 * 1024
#: How many frames of all children together may wait: with many that say much, each may have its share only.
MAX_SHARED = 640
#: The share of a child is never smaller than this.
MIN_SHARE = 10


class SharedBacklog:
    """How many children of one supervisor have something waiting."""

    def __init__(self) -> None:
        self.children = 0

    @property
    def share(self) -> int:
        """How many frames each of them may have waiting."""
        return max(MIN_SHARE, min(MAX_FRAMES, MAX_SHARED // max(1, self.children)))


class Backlog:
    """What one child said and is not stored yet. ``changed`` is called when ``full`` may have changed."""

    def __init__(self, shared: SharedBacklog, changed: Callable[[], None]) -> None:
        self.frames = 0
        self.bytes = 0
        self._shared = shared
        self._changed = changed
        # What waits for each write, by its future: writes are shared by many frames.
        self._waiting: dict[asyncio.Future[None], list[int]] = {}

    @property
    def full(self) -> bool:
        """Whether nothing more is to be read from the child for now."""
        return self.frames >= self._shared.share or self.bytes >= MAX_BYTES

    def add(self, size: int, stored: asyncio.Future[None]) -> None:
        """Count one frame of ``size`` bytes until ``stored`` is done."""
        if stored.done():
            return
        if not self.frames:
            self._shared.children += 1
        self.frames += 1
        self.bytes += size
        counts = self._waiting.get(stored)
        if counts is None:
            self._waiting[stored] = [1, size]
            stored.add_done_callback(self._stored)
        else:
            counts[0] += 1
            counts[1] += size
        if self.full:
            self._changed()

    def _stored(self, stored: asyncio.Future[None]) -> None:
        frames, size = self._waiting.pop(stored)
        self.frames -= frames
        self.bytes -= size
        if not self.frames:
            self._shared.children -= 1
        self._changed()
