"""Deadlines of cancellations and of executions, counted by a clock that does not jump.

A deadline is stored as a time of day, so that it outlives a restart. While a manager runs, it counts down
from what was left when it first saw the deadline, by CLOCK_BOOTTIME: setting the system's clock neither
delays a deadline nor brings it forward. After a restart with a clock that was set back, no more than the
whole grace period is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple


class Deadline(NamedTuple):
    """``since`` and ``until`` are of one transaction: between them lies the grace period, or with ``of_age``
    the time that the execution may run.
    """

    execution_id: str
    since: datetime
    until: datetime
    of_age: bool = False


def boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Deadlines:
    def __init__(self, elapsed: Callable[[], float] = boottime) -> None:
        """``elapsed`` is a clock in seconds that only goes forward."""
        self._elapsed = elapsed
        self._due: dict[Deadline, float] = {}

    def watch(self, deadlines: Iterable[Deadline], now: datetime) -> None:
        """Count down to these deadlines, and to no others. ``now`` is the time of day."""
        elapsed = self._elapsed()
        due = {}
        for deadline in deadlines:
            left = min(deadline.until - now, deadline.until - deadline.since)
            due[deadline] = self._due.get(deadline, elapsed + max(left, timedelta()).total_seconds())
        self._due = due

    def passed(self) -> frozenset[Deadline]:
        elapsed = self._elapsed()
        return frozenset(deadline for deadline, due in self._due.items() if due <= elapsed)

    def next(self) -> float | None:
        """Seconds until the next deadline passes, None if there is none."""
        return min(self._due.values()) - self._elapsed() if self._due else None
