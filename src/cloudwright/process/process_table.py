"""The processes of this machine, as /proc shows them, and signals that reach the very process that was meant.

A process is distinguished from a later one with the same ID by its start time.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from cloudwright.process.proc_title import CHILD_VARIABLE

#: (process id, when it started, in clock ticks since boot): no other process has the same until the next
#: boot.
Identity = tuple[int, int]
#: How often to look for new processes during one look.
_MOST_PASSES = 100
#: Processes that are younger (seconds) may end soon: their marks are read at once.
_RECENT_SECONDS = 2.0
#: No real limit of file locks is as large.
_LEAST_MARK = 2**56


class Process(NamedTuple):
    identity: Identity
    parent: int
    group: int
    session: int


class ProcessTable:
    """The living processes, at about one moment: none is missing that lived at the end of the look."""

    def __init__(self) -> None:
        self.processes: dict[int, Process] = {}
        self._children: defaultdict[int, list[int]] = defaultdict(list)
        #: Whether the marks of all that were asked for could be read before the process had ended.
        self.complete = True
        self._marks: dict[int, tuple[str | None, int | None]] = {}
        recent = (time.clock_gettime(time.CLOCK_BOOTTIME) - _RECENT_SECONDS) * os.sysconf("SC_CLK_TCK")
        seen: set[str] = set()
        # Repeat until no process is new: one that forks and ends meanwhile is found by its child.
        for _ in range(_MOST_PASSES):
            new = {name for name in os.listdir("/proc") if name.isdigit()} - seen
            if not new:
                break
            seen |= new
            # The newest first: they may be gone soonest.
            for pid in sorted(map(int, new), reverse=True):
                process = _read(pid)
                if process is not None:
                    self.processes[pid] = process
                    self._children[process.parent].append(pid)
                    if process.identity[1] > recent:
                        self.marks(pid)

    def below(self, roots: Iterable[int]) -> set[int]:
        """Return the descendants of ``roots``, without these."""
        found: set[int] = set()
        waiting = list(roots)
        while waiting:
            children = [pid for pid in self._children.get(waiting.pop(), ()) if pid not in found]
            found.update(children)
            waiting += children
        return found

    def is_living(self, identity: Identity) -> bool:
        process = self.processes.get(identity[0])
        return process is not None and process.identity == identity

    def marks(self, pid: int) -> tuple[str | None, int | None]:
        """Return the name in the process's environment and the number in its limits; None if there is
        none.
        """
        if pid not in self._marks:
            try:
                limit = _lock_limit(pid)
            except OSError:
                # It has ended, and may have forked before.
                self.complete = False
                limit = None
            self._marks[pid] = _name(pid), limit
        return self._marks[pid]

    def is_marked(self, pid: int, name: str, number: int) -> bool:
        """Return whether the process has this number; or has this name, and no child's number."""
        shown, limit = self.marks(pid)
        return limit == number or (shown == name and (limit is None or limit < _LEAST_MARK))


def process_identity(pid: int) -> Identity | None:
    """Return the identity of a living process; None if there is none."""
    process = _read(pid)
    return process and process.identity


def child_key(name: str, attempt: int = 0) -> str:
    """Return a child's unique key: in its cgroup's attribute, and as a number in its limits."""
    return f"{name}.{attempt}"


def mark(key: str) -> int:
    """Return the number that the child with this key, and all that it starts, has as its limit of file
    locks.
    """
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest(), "big") + _LEAST_MARK


def send(identity: Identity, signum: int) -> None:
    """Send a signal to that very process. Raises PermissionError if it has another user's rights."""
    with pidfd(identity) as fd:
        if fd is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signum)


@contextmanager
def pidfd(identity: Identity) -> Iterator[int | None]:
    """A descriptor of that very process; None if it has ended."""
    try:
        fd = os.pidfd_open(identity[0])
    except ProcessLookupError:
        yield None
        return
    try:
        yield fd if process_identity(identity[0]) == identity else None
    finally:
        os.close(fd)


def _read(pid: int) -> Process | None:
    """None if there is no such process, or it is dead and only not waited for."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # The fields after the command's name, which is in parentheses and may hold anything.
            fields = stat.read().rpartition(b")")[2].split()
    except OSError:
        return None
    if fields[0] == b"X" or (fields[0] == b"Z" and int(fields[17]) <= 1):
        # A process whose first thread has ended looks dead, and lives as long as it has another.
        return None
    return Process((pid, int(fields[19])), int(fields[1]), int(fields[2]), int(fields[3]))


def _name(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/environ", "rb") as environ:
            variables = b"\0" + environ.read()
    except OSError:
        return None
    _, _, rest = variables.partition(f"\0{CHILD_VARIABLE}=".encode())
    return rest.partition(b"\0")[0].decode("utf-8", "replace").strip() or None


def _lock_limit(pid: int) -> int | None:
    with open(f"/proc/{pid}/limits", "rb") as limits:
        _, _, rest = limits.read().partition(b"Max file locks")
    soft = rest.split(maxsplit=1)[:1]
    return int(soft[0]) if soft and soft[0].isdigit() else None
