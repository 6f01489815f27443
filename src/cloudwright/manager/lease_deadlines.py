"""The lease of a manager that shares its database, as deadlines of its processes.

They all count from when a renewal was sent, and end before the lease does: the manager by a timer of the
kernel, whatever it is doing; its zygotes, which see that end and have the same deadline, with all that they
run; and a zygote that is stopped by a timer of the kernel, later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cloudwright.process.boottime import KillTimer

#: When the manager and what it runs end, and when the kernel ends a zygote that has not done so; as parts of
#: the lease.
DEADLINE_PART = 0.6
LAST_PART = 0.8

#: Has zygotes end at the first time, and the kernel kill them at the second.
Extend = Callable[[float, float], None]


class LeaseDeadlines:
    """Made in the event loop; ``renewed`` may be called by any thread."""

    def __init__(self, lease: float, extend: Extend) -> None:
        self._lease = lease
        self._extend = extend
        self._loop = asyncio.get_running_loop()
        self._timer = KillTimer()

    def renewed(self, sent: float) -> None:
        """Extend the deadlines: a renewal succeeded that was sent at ``sent`` (seconds of CLOCK_BOOTTIME)."""
        deadline = sent + DEADLINE_PART * self._lease
        self._timer.set(deadline)
        self._loop.call_soon_threadsafe(self._extend, deadline, sent + LAST_PART * self._lease)
