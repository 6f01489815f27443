"""Loaded by the zygotes of a chaos manager: makes one, or a child of it, kill itself at a named point.

The environment variable CHAOS_FUSE is ``ROLE.POINT=COUNT[:FRAME]`` or empty. Points, counted per zygote:
``fork.before`` and ``fork.after`` (the zygote), ``born`` (the child, before it has settled), ``report`` (the
zygote, before it tells of ends), ``frame.before`` and ``frame.after`` (the child, around its FRAMEth frame).
"""

from __future__ import annotations

import os
import signal
from typing import Any

from cloudwright.process import channel, zygote


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str, count: int, frame: int) -> None:
    births = 0
    frames = 0
    fork, report, send = zygote.Zygote._fork, zygote.Zygote._report, channel.Channel.send

    def counted_fork(self: zygote.Zygote, *args: Any) -> Any:
        nonlocal births
        births += 1
        if point == "fork.before" and births == count:
            die()
        birth = fork(self, *args)
        if birth is None and point == "fork.after" and births == count:
            die()
        if birth is not None and point == "born" and births == count:
            die()
        return birth

    def counted_report(self: zygote.Zygote) -> None:
        if point == "report" and births >= count and any(event[0] == "exited" for event in self._events):
            die()
        report(self)

    def counted_send(self: channel.Channel, message: dict[str, Any]) -> None:
        nonlocal frames
        frames += births == count
        if point == "frame.before" and frames == frame and births == count:
            die()
        send(self, message)
        if point == "frame.after" and frames == frame and births == count:
            die()

    zygote.Zygote._fork = counted_fork  # type: ignore[assignment, method-assign]
    zygote.Zygote._report = counted_report  # type: ignore[method-assign]
    channel.Channel.send = counted_send  # type: ignore[method-assign]


def main() -> None:
    fuse = os.environ.get("CHAOS_FUSE", "")
    if fuse:
        point, _, counts = fuse.partition("=")
        count, _, frame = counts.partition(":")
        arm(point, int(count), int(frame or 1))


main()
