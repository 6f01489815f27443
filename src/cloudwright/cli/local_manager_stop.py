"""Ends the manager that holds a home."""

from __future__ import annotations

import fcntl
import os
import select
import signal
from pathlib import Path

from cloudwright.cli.failure import Failure

#: How long a manager may take to end its operations and itself (seconds).
END_SECONDS = 60.0


def end_manager(home: Path, patience: float = END_SECONDS) -> int | None:
    """Ask the manager of ``home`` to end, and wait until it has. Return its pid, or None if none runs.

    Raises Failure if it may not be asked, or has not ended within ``patience`` seconds.
    """
    try:
        descriptor = os.open(home / "manager.lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = int(os.read(descriptor, 32) or 0)
        else:
            return None
    finally:
        os.close(descriptor)
    if not pid:
        raise Failure(f"A manager of {home} is coming up.", "Try again in a moment.")
    try:
        # The process that is waited for is the very one that was asked, even if its number is given away.
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return pid
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
        ended, _, _ = select.select([process], [], [], patience)
    except PermissionError as error:
        raise Failure(f"The manager of {home} (process {pid}) belongs to another user.") from error
    finally:
        os.close(process)
    if not ended:
        raise Failure(
            f"The manager of {home} (process {pid}) has not ended after {patience:.0f} s.",
            f"Its log says why: {home / 'manager.log'}.",
        )
    return pid
