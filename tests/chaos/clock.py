"""A clock of the manager that is set while it runs, and the true time of what it says."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

HOUR = 3600.0
#: What is stamped a little before a batch begins is of the batch (seconds).
BEFORE = 600.0


def wrong_clock(file: Path) -> dict[str, str]:
    """Return the environment of a process whose clock is wrong by the seconds that the file says.

    The clock that does not jump, which deadlines are measured with, is as it is.
    """
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    assert library is not None, "the fault injector needs libfaketime: scripts/need-faketime installs it"
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


def true_time(said: datetime, since: float) -> datetime:
    """Return when it was that a clock, wrong by whole hours, said so: within an hour of ``since``."""
    first = since - BEFORE
    true = first + (said.timestamp() - first) % HOUR
    return said + timedelta(seconds=round(true - said.timestamp()))
