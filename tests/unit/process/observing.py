"""What the tests watch processes with: they wait for what happens, and never for a time to pass."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import select
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from cloudwright.process.cgroups import Cgroups, CgroupsUnavailable
from cloudwright.process.process_table import ProcessTable
from cloudwright.process.supervisor import Child, ChildSpec, ExitStatus, Zygote

HERE = str(Path(__file__).parent)
#: Longer than anything takes on a slow machine; a test that waits this long has failed.
PATIENCE = 30.0

_started: list[Zygote] = []


#: ``in_loop``, or the same on another kind of loop: makes a test of a coroutine function.
Runs = Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]


def in_loop(test: Callable[..., Awaitable[None]], factory: Any = None) -> Callable[..., None]:
    """Run a test that is a coroutine function, and close the zygotes that it started."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def limited() -> None:
            try:
                async with asyncio.timeout(2 * PATIENCE):
                    await test(*args, **kwargs)
            finally:
                while _started:
                    await _started.pop().close()

        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(limited())

    return run


def in_uvloop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    return in_loop(test, uvloop.new_event_loop)


class Recorder:
    """Keeps what a child says, in order, and can be waited for."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self._changed = asyncio.Event()

    def frame(self, message: dict[str, Any]) -> None:
        self._tell("frame", message)

    def output(self, data: bytes) -> None:
        self._tell("output", data)

    def exited(self, status: ExitStatus) -> None:
        self._tell("exited", status)

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [what for kind, what in self.told if kind == "frame"]

    @property
    def printed(self) -> str:
        return b"".join(what for kind, what in self.told if kind == "output").decode("utf-8", "replace")

    @property
    def exits(self) -> list[ExitStatus]:
        return [what for kind, what in self.told if kind == "exited"]

    async def until(self, condition: Callable[[Recorder], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    async def first_frame(self) -> dict[str, Any]:
        await self.until(lambda told: told.frames)
        return self.frames[0]

    def _tell(self, kind: str, what: Any) -> None:
        self.told.append((kind, what))
        self._changed.set()


def open_cgroups() -> Cgroups | None:
    """Cgroups for the children of these tests; None if this user may make none."""
    try:
        return Cgroups.open(Path(f"/test/{os.getpid()}"))
    except CgroupsUnavailable:
        return None


#: The ways in which all that a child started can be found here.
WAYS = ("process tree", "cgroup") if open_cgroups() else ("process tree",)


async def start_zygote(name: str = "test", way: str = WAYS[-1], **more: Any) -> Zygote:
    """A zygote whose children have cgroups if that is possible, or the ``way`` says no."""
    more.setdefault("cgroups", open_cgroups() if way == "cgroup" else None)
    zygote = await Zygote.start(name=name, path=[HERE], preload=["unruly"], **more)
    _started.append(zygote)
    return zygote


async def fork(zygote: Zygote, entry: str, **spec: Any) -> tuple[Child, Recorder]:
    recorder = Recorder()
    name = spec.pop("name", f"test {os.getpid()} {entry}")
    return await zygote.fork(ChildSpec(name, f"unruly:{entry}", **spec), recorder), recorder


async def soon(awaitable: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(asyncio.shield(awaitable), PATIENCE)


def is_dead(pid: int) -> bool:
    """Dead, whether or not its parent has noticed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_dead(*pids: int) -> None:
    """Wait until processes that are nobody's children here are dead."""
    for pid in pids:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            ended, _, _ = select.select([fd], [], [], PATIENCE)
        finally:
            os.close(fd)
        assert ended, f"process {pid} lives on"


def end_group(pgid: int) -> None:
    """Kill what was left running on purpose by somebody who is gone, and wait until it is dead."""
    while left := [pid for pid, process in ProcessTable().processes.items() if process.group == pgid]:
        # The last of them may have been reaped since the look.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pgid, signal.SIGKILL)
        wait_dead(*left)


def descriptors(pid: int | str = "self") -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kilobytes(pid: int | str = "self") -> int:
    """Memory of its own, without what files lend it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise AssertionError(f"no memory is told of process {pid}")
