"""Lines in an event log and locks that die with their process, which the checker reads."""

from __future__ import annotations

import fcntl
import json
import os
import struct
import time


def birth(pid):
    """When the process started, in clock ticks since boot: with its id, no other process has the same."""
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return int(stat.read().rpartition(b")")[2].split()[19])


def write(event_log, what, execution, name, pid=None, **more):
    pid = pid or os.getpid()
    line = {
        "time": time.time(),
        "what": what,
        "execution": execution,
        "name": name,
        "operation": os.environ.get("CLOUDWRIGHT_CHILD", "").strip(),
        "pid": pid,
        "birth": birth(pid),
        **more,
    }
    descriptor = os.open(event_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, (json.dumps(line) + "\n").encode())
    os.close(descriptor)


def hold(event_log, key):
    """Hold ``key`` for as long as this process, or a child that is given the descriptor, lives. Return the
    descriptor, or None if another holds it.
    """
    folder = os.path.join(os.path.dirname(event_log), "locks")
    descriptor = os.open(os.path.join(folder, key), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    whole = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, whole)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
