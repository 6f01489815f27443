"""Keeps an agent running where nothing else does: a process that starts it again whenever it dies."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: In the home: locked as long as the process lives, and its number.
FILE = "supervisor"
#: Exit codes after which an agent is not started again: it was stopped, or its manager does not want it.
_FINAL = frozenset({0, 76})
#: The pause before it is started again (seconds): it grows if the agent dies soon.
_FIRST_PAUSE = 2.0
_MOST_PAUSE = 30.0
_SOON = 60.0


def supervise(command: Sequence[str], home: Path) -> int:
    """Run the command again and again; SIGTERM ends it in good order. Returns the last exit code.

    There is one such process for each home: a second one ends at once.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(home / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 0
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    signals = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    pause = _FIRST_PAUSE
    while True:
        began = time.monotonic()
        # The signals are blocked in this process only.
        agent = subprocess.Popen(command, preexec_fn=_unblock, stdin=subprocess.DEVNULL)
        stopping = _await_end(agent, signals)
        if stopping or agent.returncode in _FINAL:
            return agent.returncode
        pause = min(2 * pause, _MOST_PAUSE) if time.monotonic() - began < _SOON else _FIRST_PAUSE
        if signal.sigtimedwait({signal.SIGTERM, signal.SIGINT}, pause) is not None:
            return 0


def _await_end(agent: subprocess.Popen[Any], signals: set[signal.Signals]) -> bool:
    """Wait until the agent has ended; returns whether this process was asked to stop."""
    stopping = False
    while agent.poll() is None:
        if signal.sigwait(signals) != signal.SIGCHLD:
            stopping = True
            agent.terminate()
    return stopping


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
