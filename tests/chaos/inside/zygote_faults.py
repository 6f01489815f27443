"""Loaded by the zygotes of a chaos manager: makes one, or a child of it, kill itself at a named point.

The environment variable CHAOS_FUSE is ``ROLE.POINT=COUNT[:FRAME]`` or empty. Points, counted per zygote:
``fork.before`` and ``fork.after`` (the zygote), ``born`` (the child, before it has settled), ``report`` (the
zygote, before it tells of ends), ``frame.before`` and ``frame.after`` (the child, around its FRAMEth frame).
What dies says so in the file CHAOS_BLOWN.
"""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

from cloudwright.process import channel, zygote


def die(point: str) -> None:
    """Say it, as ``role.point``, and die."""
    tell(f"{os.environ['CHAOS_FUSE'].partition('.')[0]}.{point}")
    os.kill(os.getpid(), signal.SIGKILL)


def tell(point: str) -> None:
    line = json.dumps({"time": time.time(), "point": point, "pid": os.getpid()}) + "\n"
    descriptor = os.open(os.environ["CHAOS_BLOWN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def arm(point: str, count: int, frame: int) -> None:
    births = 0
    frames = 0
    fork, report, send = zygote.Zygote._fork, zygote.Zygote._report, channel.Channel.send

    def counted_fork(self: zygote.Zygote, *args: Any) -> Any:
        nonlocal births
        births += 1
        if point == "fork.before" and births == count:
            die(point)
        birth = fork(self, *args)
        if birth is None and point == "fork.after" and births == count:
            die(point)
        if birth is not None and point == "born" and births == count:
            die(point)
        return birth

    def counted_report(self: zygote.Zygote) -> None:
        if point == "report" and births >= count and any(event[0] == "exited" for event in self._events):
            die(point)
        report(self)

    def counted_send(self: channel.Channel, message: dict[str, Any]) -> None:
        nonlocal frames
        frames += births == count
        if point == "frame.before" and frames == frame and births == count:
            die(point)
        send(self, message)
        if point == "frame.after" and frames == frame and births == count:
            die(point)

    zygote.Zygote._fork = counted_fork  # type: ignore[assignment, method-assign]
    zygote.Zygote._report = counted_report  # type: ignore[method-assign]
    channel.Channel.send = counted_send  # type: ignore[method-assign]


def main() -> None:
    fuse = os.environ.get("CHAOS_FUSE", "")
    if fuse:
        point, _, counts = fuse.partition(".")[2].partition("=")
        count, _, frame = counts.partition(":")
        arm(point, int(count), int(frame or 1))


main()
