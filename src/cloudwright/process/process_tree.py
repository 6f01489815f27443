"""The *tree* of a child: all that it started, whatever session, process group, parent or environment it has.

It is found in one of two ways. A child with a cgroup of its own (``leaves``) has it as its tree, and the
kernel says who is in it. The tree of any other child is looked for among all processes: those that descend
from the child, have its session or process group, its name in their environment or its mark in their limits,
and what descends from these. A process that forks and ends while a look passes it by is found by the next, in
its child: so a tree is gone when two looks in a row have found nothing.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from cloudwright.process.process_table import Identity, ProcessTable, mark, pidfd, process_identity, send

#: How many looks in a row at all processes have to find nothing.
LOOKS = 2
#: How many processes are watched at once (each takes a descriptor).
_WATCHED = 64
#: How long to wait for processes that were killed before looking again (seconds).
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class CgroupTree:
    """Who is in a cgroup, or in one that was made below it."""

    folder: str

    def members(self, table: ProcessTable | None = None, known: Iterable[Identity] = ()) -> list[Identity]:
        pids: list[int] = []
        for folder, _, _ in os.walk(self.folder):
            # Removed, as it may be when it is empty.
            with suppress(OSError):
                pids += map(int, Path(folder, "cgroup.procs").read_text("ascii").split())
        return [identity for pid in pids if (identity := process_identity(pid)) is not None]

    def kill(self, members: Iterable[Identity]) -> None:
        """SIGKILL all, those that are being forked included."""
        with suppress(OSError):
            Path(self.folder, "cgroup.kill").write_text("1", "ascii")
        for identity in members:
            # The kernel passes over processes whose first thread has ended.
            with suppress(PermissionError):
                send(identity, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class MarkedTree:
    """Who descends from a child, or bears its marks.

    ``leader`` is the child's own process; None if it is not known, or had ended. All of the tree is below
    ``reaper`` as long as that process lives; None: anywhere.
    """

    name: str
    key: str
    leader: Identity | None
    reaper: int | None

    def members(self, table: ProcessTable | None = None, known: Iterable[Identity] = ()) -> list[Identity]:
        """Return the living members. Those that are ``known`` stay members, whatever has ended meanwhile."""
        table = table or ProcessTable()
        found = self._pids(table)
        living = {identity[0] for identity in known if table.is_living(identity)} - found
        found |= living | table.below(living)
        return [table.processes[pid].identity for pid in sorted(found)]

    def _pids(self, table: ProcessTable) -> set[int]:
        everybody = set(table.processes)
        if self.reaper is not None and self.reaper in table.processes:
            everybody = table.below([self.reaper])
        everybody -= {os.getpid()}
        found: set[int] = set()
        number = None
        if self.leader is not None:
            number = self.leader[0]
            now = table.processes.get(number)
            if now is not None and now.identity != self.leader:
                # The number is another's by now, and so are the session and the group.
                number = None
            elif now is not None:
                found = {number} | table.below([number])
        limit = mark(self.key)
        for pid in everybody - found:
            process = table.processes[pid]
            if number in (process.session, process.group) or table.is_marked(pid, self.name, limit):
                found.add(pid)
        return found | table.below(found)

    def kill(self, members: Iterable[Identity]) -> None:
        """SIGKILL ``members``, and their process groups as wholes, so that none escapes by forking.

        A group of the tree has no strangers: its session was made by one process, and the others in it
        descend from that. Only a child that has not come to make its session yet is in its zygote's.
        """
        groups: set[int] = set()
        for identity in members:
            with suppress(ProcessLookupError, PermissionError), pidfd(identity) as fd:
                if fd is None:
                    continue
                group, session = os.getpgid(identity[0]), os.getsid(identity[0])
                if group not in groups and session not in (self.reaper, os.getsid(0)):
                    # The number is this group's as long as this process lives, which is held.
                    groups.add(group)
                    os.killpg(group, signal.SIGKILL)
                signal.pidfd_send_signal(fd, signal.SIGKILL)


Tree = CgroupTree | MarkedTree


def ask_to_end(identity: Identity) -> None:
    """SIGTERM to a process; one that is stopped is let on, so that it can obey."""
    with suppress(PermissionError):
        send(identity, signal.SIGTERM)
        send(identity, signal.SIGCONT)


def kill_trees(trees: Collection[Tree], until: float) -> list[Tree]:
    """SIGKILL all of ``trees`` until they are gone, or ``time.monotonic()`` is ``until``; returns what is
    left. Blocks.
    """
    missing = dict.fromkeys(trees, LOOKS)
    while missing and time.monotonic() < until:
        table = ProcessTable()
        watched: list[Identity] = []
        for tree in list(missing):
            members = tree.members(table)
            if members:
                missing[tree] = LOOKS
                tree.kill(members)
                watched += members
            else:
                missing[tree] -= table.complete
                if not missing[tree]:
                    del missing[tree]
        _await_ends(watched[:_WATCHED])
    return list(missing)


def kill_now(children: Mapping[int, tuple[str, str]], reaper: int, until: float) -> None:
    """``kill_trees`` of the living children with these process ids, names and keys, below ``reaper``."""
    trees = [MarkedTree(name, key, process_identity(pid), reaper) for pid, (name, key) in children.items()]
    kill_trees(trees, until)


def _await_ends(members: Iterable[Identity]) -> None:
    """Wait until all have ended, or a moment has passed."""
    deadline = time.monotonic() + _PAUSE
    with ExitStack() as held:
        for identity in members:
            fd = held.enter_context(pidfd(identity))
            if fd is not None:
                select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
