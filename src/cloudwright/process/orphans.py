"""Finds and ends process groups without a zygote: what is left after a zygote, or a manager with its zygotes,
was killed.

A process is told from a later one of the same number by when it started. A group is signalled when a member
is met in it that is known, or has the child's mark: its number cannot be used again then.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from cloudwright.process.proc_title import CHILD_VARIABLE, GROUP_VARIABLE

#: (process id, when it started, in clock ticks since boot): no other process has the same until the next
#: boot.
Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class OrphanGroup:
    """A process group with living members; ``name`` is the child's that it was forked for, None where only
    its leader is known.
    """

    pgid: int
    name: str | None
    members: tuple[Identity, ...]


class _Process(NamedTuple):
    identity: Identity
    group: int


def process_identity(pid: int) -> Identity | None:
    """The identity of a living process, to be recorded and given to ``find`` later; None when there is
    none.
    """
    process = _read(pid)
    return process and process.identity


def find(
    names: Collection[str] | Callable[[str], bool] = (), leaders: Iterable[Identity] = ()
) -> list[OrphanGroup]:
    """The living groups of children with these names (or whose names satisfy a predicate), or with these
    leaders.

    A group whose leader is dead is found by name only: by any member that has the environment that it was
    started with. A member that made a group of its own is not the child's any more.
    """
    wanted = names if callable(names) else frozenset(names).__contains__
    recorded = frozenset(leaders)
    found: dict[int, str | None] = {}
    # Twice: a process that forks and dies while a look passes it by is found by the next, in its child.
    for _ in range(2):
        processes = []
        for process in _processes():
            processes.append(process)
            name, group = _mark(process)
            if name is not None and group == process.group and wanted(name):
                found[group] = name
            elif process.identity in recorded and process.group == process.identity[0]:
                found.setdefault(process.group, name)
    orphans = [OrphanGroup(group, name, _members(processes, group)) for group, name in found.items()]
    return [orphan for orphan in orphans if orphan.members]


async def kill(
    orphans: Iterable[OrphanGroup],
    *,
    timeout: float = 5.0,  # noqa: ASYNC109 - what is left then is returned
) -> list[OrphanGroup]:
    """SIGKILL every member, and those that they fork meanwhile, until the groups are gone.

    Returns those that still live after ``timeout`` seconds.
    """
    left = {orphan.pgid: orphan for orphan in orphans}
    missed: set[int] = set()
    try:
        async with asyncio.timeout(timeout):
            while left:
                met = {orphan.pgid: orphan for orphan in _signal(left.values(), signal.SIGKILL)}
                await _members_end(met.values())
                # Twice, as in ``find``.
                unmet = {number: left[number] for number in left.keys() - met.keys() - missed}
                missed.update(unmet)
                left = met | unmet
    except TimeoutError:
        return [orphan for orphan in left.values() if any(map(_lives, orphan.members))]
    return []


def groups(numbers: Mapping[int, str | None]) -> list[OrphanGroup]:
    """The living groups of these numbers (with a name for each), for who knows that the numbers were not used
    again.
    """
    left = dict(numbers)
    found = []
    # Twice, as in ``find``.
    for _ in range(2):
        processes = list(_processes())
        for number, name in list(left.items()):
            members = _members(processes, number)
            if members:
                found.append(OrphanGroup(number, name, members))
                del left[number]
    return found


async def gone(orphan: OrphanGroup) -> None:
    """Wait until the group has no living member."""
    left = [orphan]
    while left:
        await _members_end(left)
        left = groups({orphan.pgid: orphan.name})


def _signal(orphans: Iterable[OrphanGroup], signum: int) -> list[OrphanGroup]:
    """Send a signal to the groups as they are met, to all members at once so that none escapes by forking.

    Returns the groups, those that there are, as they were met.
    """
    numbered = {orphan.pgid: orphan for orphan in orphans}
    met: set[int] = set()
    processes = []
    for process in _processes():
        orphan = numbered.get(process.group)
        if orphan is None:
            continue
        processes.append(process)
        # A known member, or one that has the child's mark, proves that the number is not another's by now.
        known = process.identity in orphan.members
        if orphan.pgid not in met and (known or _mark(process) == (orphan.name, orphan.pgid)):
            met.add(orphan.pgid)
            # Gone meanwhile, or with another user's rights: that shows in that it lives on.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(orphan.pgid, signum)
    return [OrphanGroup(group, numbered[group].name, _members(processes, group)) for group in sorted(met)]


async def _members_end(orphans: Iterable[OrphanGroup]) -> None:
    for orphan in orphans:
        for identity in orphan.members:
            await _ended(identity)


async def _ended(identity: Identity) -> None:
    loop = asyncio.get_running_loop()
    with _pidfd(identity) as fd:
        if fd is None:
            return
        ended = asyncio.Event()
        loop.add_reader(fd, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(fd)


def _lives(identity: Identity) -> bool:
    return process_identity(identity[0]) == identity


@contextmanager
def _pidfd(identity: Identity) -> Iterator[int | None]:
    """A descriptor of that very process; None when it has ended."""
    try:
        fd = os.pidfd_open(identity[0])
    except ProcessLookupError:
        yield None
        return
    try:
        yield fd if _lives(identity) else None
    finally:
        os.close(fd)


def _members(processes: Iterable[_Process], group: int) -> tuple[Identity, ...]:
    return tuple(process.identity for process in processes if process.group == group)


def _processes() -> Iterator[_Process]:
    # The newest first: they may be gone soonest.
    for pid in sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True):
        process = _read(pid)
        if process is not None:
            yield process


def _read(pid: int) -> _Process | None:
    """None when there is no such process, or it is dead and only not waited for."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # The fields after the command's name, which is in parentheses and may hold anything.
            fields = stat.read().rpartition(b")")[2].split()
    except OSError:
        return None
    state, group, started = fields[0], int(fields[2]), int(fields[19])
    return None if state in (b"Z", b"X") else _Process((pid, started), group)


def _mark(process: _Process) -> tuple[str | None, int | None]:
    """The name and group that a process was forked with; None where it is nobody's child, or another
    user's.
    """
    try:
        with open(f"/proc/{process.identity[0]}/environ", "rb") as environ:
            variables = environ.read()
    except OSError:
        return None, None
    name, number = (_value(variables, variable) for variable in (CHILD_VARIABLE, GROUP_VARIABLE))
    return (name, int(number)) if name and number.isdigit() else (None, None)


def _value(variables: bytes, name: str) -> str:
    _, _, rest = (b"\0" + variables).partition(f"\0{name}=".encode())
    return rest.partition(b"\0")[0].decode("utf-8", "replace").strip()
