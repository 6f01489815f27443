"""Notices a zygote that does not do what it was asked to, such as one that was stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

#: How often to look while something is outstanding (seconds).
LOOK_SECONDS = 1.0
#: For how many looks in a row a process may be stopped.
STOPPED_LOOKS = 2
#: After how long without a word one that is not stopped is given up (seconds).
SILENT_SECONDS = 60.0
#: The same for one that starts: it loads what its children need, on a machine that may do much else.
START_SECONDS = 600.0


class Watchdog:
    """Looks at a process from time to time, as long as something is outstanding."""

    def __init__(self, pid: int, is_outstanding: Callable[[], bool], hung: Callable[[str], None]) -> None:
        """``hung`` is called, once, with what is wrong."""
        self._loop = asyncio.get_running_loop()
        self._pid = pid
        self._is_outstanding = is_outstanding
        self._hung = hung
        self._timer: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._stopped = 0
        self._silent = SILENT_SECONDS

    def expect(self, silent: float = SILENT_SECONDS) -> None:
        """Something is outstanding from now on; it may be silent for so many seconds."""
        if self._timer is None:
            self._silent = silent
            self._heard_at = self._loop.time()
            self._stopped = 0
            self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def heard(self) -> None:
        """The process has said something."""
        if self._timer is not None:
            self._heard_at = self._loop.time()

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if not self._is_outstanding():
            return
        self._stopped = self._stopped + 1 if _is_stopped(self._pid) else 0
        silent = self._loop.time() - self._heard_at
        if self._stopped >= STOPPED_LOOKS:
            self._hung("it was stopped")
        elif silent >= self._silent:
            self._hung(f"it said nothing for {silent:.0f} s")
        else:
            self._timer = self._loop.call_later(LOOK_SECONDS, self._look)


def _is_stopped(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[0] in (b"T", b"t")
