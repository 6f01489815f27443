"""The lock of a home: one manager at a time may use it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from cloudwright.errors import IllegalAction

#: Seconds to wait for the lock.
LOCK_SECONDS = 0.5


@contextlib.contextmanager
def manager_lock(home: Path) -> Iterator[None]:
    """Hold the home's lock: two managers of one home would each take the other's processes for their own.

    The lock file holds this process's ID and can be opened by its user alone, since a lock needs no more
    than the right to read. Raises IllegalAction if another manager holds the lock.
    """
    with open(home / "manager.lock", "a+", opener=_private) as lock:
        os.fchmod(lock.fileno(), 0o600)
        if not _locked(lock):
            lock.seek(0)
            pid = lock.read().strip() or "unknown"
            raise IllegalAction(
                f"Another manager (process {pid}) uses {home} already. "
                "Use it, end it with `cloudwright down`, or choose another folder with --home."
            )
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _locked(lock: IO[str]) -> bool:
    # `cfy` takes the lock for a moment to see whether a manager runs; that must not keep one from starting.
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
