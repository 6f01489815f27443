"""The processes of an environment, as /proc has them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """``child`` is the execution or operation that the engine forked it, or an ancestor of it, for; "" in the
    manager and its zygotes. ``birth`` is in clock ticks since boot: nobody else has the same id and birth.
    """

    pid: int
    group: int
    birth: int
    child: str
    leader_of: str
    command: str

    @property
    def leads(self) -> bool:
        """Whether it is the very process that was forked for its execution or operation."""
        return bool(self.child) and self.pid == self.group and self.leader_of == str(self.pid)


def living(folder: Path) -> Iterator[Process]:
    """Every living process that the environment's manager started: their TMPDIR is in its folder."""
    mark = f"TMPDIR={folder}/".encode()
    for name in os.listdir("/proc"):
        if name.isdigit():
            process = _read(int(name), mark)
            if process is not None:
                yield process


def alive(pid: int, birth: int) -> bool:
    stat = _stat(pid)
    return stat is not None and stat[1] == birth


def _stat(pid: int) -> tuple[int, int] | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else (int(fields[2]), int(fields[19]))


def _read(pid: int, mark: bytes) -> Process | None:
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
        if mark not in environ:
            return None
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return None
    stat = _stat(pid)
    if stat is None:
        return None
    variables = dict(
        part.decode("utf-8", "replace").partition("=")[::2] for part in environ.split(b"\0") if b"=" in part
    )
    child = variables.get("CLOUDWRIGHT_CHILD", "").strip()
    leader = variables.get("CLOUDWRIGHT_GROUP", "").strip()
    return Process(pid, stat[0], stat[1], child, leader, command.strip())


def memory(pid: int) -> float:
    """What a process holds in memory (MiB)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
