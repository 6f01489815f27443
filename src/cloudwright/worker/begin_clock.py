"""The seconds within which `go` must come, by three clocks: one of them alone may stand or jump."""

from __future__ import annotations

import time
from collections.abc import Callable

#: How long after its asking an operation may begin (seconds).
BEGIN_SECONDS = 3.0

Clocks = tuple[float, float, float]


def now() -> Clocks:
    """Return the time since boot, with and without suspension, and the time of day."""
    return time.clock_gettime(time.CLOCK_BOOTTIME), time.monotonic(), time.time()


def is_fresh(asked: Clocks, clocks: Callable[[], Clocks] = now) -> bool:
    """Return whether by every clock less than BEGIN_SECONDS have passed since ``asked``."""
    return all(0 <= after - before < BEGIN_SECONDS for before, after in zip(asked, clocks(), strict=True))
