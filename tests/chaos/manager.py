"""A manager that kills itself, or has a zygote or a child kill itself, at a named point.

Run as a program, with a manager's arguments. CHAOS_FUSE is ``POINT=COUNT``: the process is ended with SIGKILL
when it comes to that point for the COUNTth time. ``commit.before``, ``commit.after``: around a commit;
``fork.before``, ``fork.after``: around the request to fork a child; ``send.before``, ``send.after``: around
a frame to a child; ``hear.before``, ``hear.after``: around what a child said, printed, or how it ended;
``signal.before``, ``signal.after``: around a signal to a child's group. ``workflows.*`` and ``operations.*``
are points of the zygote of that name (inside/zygote_faults.py). ``bus=N`` ends nobody: every Nth message that
tells the manager's parts of work or of a request is lost.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop
from sqlalchemy.engine.base import RootTransaction

from cloudwright.bus.local import LocalBus
from cloudwright.bus.protocol import Message
from cloudwright.cli.server import main
from cloudwright.process.child import Child
from cloudwright.process.supervisor import Zygote

#: Where a process that is about to end itself says so.
BLOWN = Path(os.environ.pop("CHAOS_BLOWN"))
INSIDE = str(Path(__file__).parent / "inside")


class Fuse:
    def __init__(self, point: str, count: int) -> None:
        self._point = point
        self._left = count

    def at(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                tell(point)
                os.kill(os.getpid(), signal.SIGKILL)


def tell(point: str) -> None:
    """Leave a line that a fuse has blown."""
    line = json.dumps({"time": time.time(), "point": point, "pid": os.getpid()}) + "\n"
    with BLOWN.open("a") as file:
        file.write(line)


def around(fuse: Fuse, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        fuse.at(f"{name}.before")
        answer = function(*args, **kwargs)
        fuse.at(f"{name}.after")
        return answer

    return call


def patch(fuse: Fuse) -> None:
    commit, fork = RootTransaction.commit, Zygote.fork

    def writers_commit(self: RootTransaction) -> None:
        if threading.current_thread().name != "storage-writer":
            commit(self)
            return
        fuse.at("commit.before")
        commit(self)
        fuse.at("commit.after")

    async def counted_fork(self: Zygote, *args: Any) -> Child:
        fuse.at("fork.before")
        child = await fork(self, *args)
        fuse.at("fork.after")
        return child

    RootTransaction.commit = writers_commit  # type: ignore[assignment, method-assign]
    Zygote.fork = counted_fork  # type: ignore[assignment, method-assign]
    for name, method in (("send", "send"), ("hear", "_tell"), ("signal", "signal")):
        setattr(Child, method, around(fuse, name, getattr(Child, method)))


def lose_messages(every: int) -> None:
    publish = LocalBus.publish
    count = 0

    def lossy(self: LocalBus, topic: str, message: Message) -> None:
        nonlocal count
        if topic.startswith(("control.", "work.")):
            count += 1
            if count % every == 0:
                if count == every:
                    tell("bus")
                return
        publish(self, topic, message)

    LocalBus.publish = lossy  # type: ignore[method-assign]


def patch_zygotes(role: str, point: str) -> None:
    start = Zygote.start.__func__  # type: ignore[attr-defined]

    async def armed(cls: type[Zygote], *, name: str, **given: Any) -> Zygote:
        if name.startswith(role):
            given["path"] = [*given.get("path", ()), INSIDE]
            given["preload"] = [*given.get("preload", ()), "zygote_faults"]
            given["env"] = {**given["env"], "CHAOS_FUSE": f"{role}.{point}", "CHAOS_BLOWN": str(BLOWN)}
            # The next one is not to die as well.
            Zygote.start = classmethod(start)  # type: ignore[assignment]
        return await start(cls, name=name, **given)  # type: ignore[no-any-return]

    Zygote.start = classmethod(armed)  # type: ignore[arg-type, assignment]


def sleep(seconds: float) -> None:
    """Sleep, as libfaketime 0.9.10 lets nobody do with ``time.sleep``."""
    select.select([], [], [], seconds)


if __name__ == "__main__":
    if "FAKETIME_TIMESTAMP_FILE" in os.environ:
        time.sleep = sleep  # type: ignore[assignment]
        # In what uvloop forks to start a command, libfaketime waits for a lock that a thread held.
        uvloop.run = asyncio.run  # type: ignore[assignment]
    armed_with = os.environ.pop("CHAOS_FUSE", "")
    owner, _, rest = armed_with.partition(".")
    if owner in ("workflows", "operations"):
        patch_zygotes(owner, rest)
    elif armed_with.startswith("bus="):
        lose_messages(int(armed_with.removeprefix("bus=")))
    elif armed_with:
        where, _, times = armed_with.partition("=")
        patch(Fuse(where, int(times)))
    sys.exit(main())
