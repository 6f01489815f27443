"""Runs a command that must not outlive the process that asked for it.

``python guard.py FD COMMAND...``: runs COMMAND and exits as it does. When the other end of the pipe FD is
closed, because its owner stops the command or has died, every process that the command started is killed.
Run by path, so that it imports nothing of this package and needs no environment.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys

_PR_SET_CHILD_SUBREAPER = 36


def main(pipe: int, command: list[str]) -> int:
    # Orphans of the command become children of this process, whatever session they have.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.set_inheritable(pipe, False)
    child = subprocess.Popen(command)
    exited = os.pidfd_open(child.pid)
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    poll.register(exited, select.POLLIN)
    if any(fd == pipe for fd, _ in poll.poll()):
        _kill_descendants()
        return 128 + signal.SIGKILL
    code = child.wait()
    # What the command left running was not meant to last.
    _kill_descendants()
    return code if code >= 0 else 128 - code


def _kill_descendants() -> None:
    """Kill until nothing is left: a process may fork while it is looked for."""
    while living := _descendants():
        for pid in living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            # Blocks until one of the direct children has ended; the others' orphans come here next.
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _descendants() -> list[int]:
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    fields = stat.read().rpartition(b")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    left = [os.getpid()]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
