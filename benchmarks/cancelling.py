"""T3: cancelling. A graph whose one running operation sleeps 60 s; another waits for it.

``--times`` of each kind (cancel, force, kill), with the manager idle, and ``--busy`` of each with T1 running
beside it. Figures, in milliseconds from the request: the end status stored, and seen by a client that follows
the execution. ``untrue`` counts what the status said too early (a force: the workflow's process was alive; a
kill: the operation's, too), and operations that started after the request.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from typing import Any

import probe
from busy import many_operations
from figures import percentile
from managed import ENDED, Asking, Ear, Manager, answer, manager, moment, options

KINDS = {"cancel": "standard", "force-cancel": "force", "kill": "kill"}


def main() -> None:
    given = options(__doc__, times=300, busy=300, nodes=500)
    figures: dict[str, float] = {}
    with manager(given.database) as managed:
        ear = Ear(managed.folder)
        managed.upload("probe", probe.write(managed.folder / "probe"), ear=str(ear.path))
        figures |= cancels(managed, ear, given.times, "")
        if given.busy:
            with many_operations(managed, given.nodes):
                figures |= cancels(managed, ear, given.busy, "busy ")
    answer(**figures)


def cancels(managed: Manager, ear: Ear, times: int, prefix: str) -> dict[str, float]:
    figures = {}
    untrue = 0
    for how, kind in KINDS.items():
        rounds = [one(managed, ear, how) for _ in range(times)]
        untrue += sum(wrong for _, _, wrong in rounds)
        for place, name in enumerate(("stored", "seen")):
            taken = [times[place] for times in rounds]
            for share in (0.5, 0.99):
                figures[f"{prefix}{kind} {name} {share * 100:.0f} %"] = percentile(taken, share)
    return figures | {f"{prefix}untrue": float(untrue)}


def one(managed: Manager, ear: Ear, how: str) -> tuple[float, float, int]:
    """Milliseconds until the end was stored and seen, and how much of what it said was not true."""
    execution = managed.run("two", "probe")
    pids = dict(pair(ear.hear()[0]) for _ in range(2))
    alive = {role: os.pidfd_open(pid) for role, pid in pids.items()}
    try:
        following = Asking(managed.url, managed.token)
        stream = following.follow(execution)
        until(stream, ("started",))
        begun = time.time()
        managed.asking.raw("POST", f"/executions/{execution}", {"action": how})
        end = until(stream, ENDED)
        seen = time.time()
        must_be_dead = {"cancel": [], "force-cancel": ["workflow"], "kill": ["workflow", "operation"]}[how]
        untrue = sum(not readable(alive[role], 0) for role in must_be_dead)
        assert end["status"] == "cancelled", end
        if how != "kill":
            managed.asking.raw("POST", f"/executions/{execution}", {"action": "kill"})
        for descriptor in alive.values():
            assert readable(descriptor, 30), "a process outlived its kill"
        following.close()
        return 1000 * (moment(end["ended_at"]) - begun), 1000 * (seen - begun), untrue + started_late(ear)
    finally:
        for descriptor in alive.values():
            os.close(descriptor)


def pair(words: list[str]) -> tuple[str, int]:
    return words[0], int(words[1])


def until(stream: Iterator[tuple[str, Any]], statuses: tuple[str, ...]) -> dict[str, Any]:
    return next(data for kind, data in stream if kind == "status" and data["status"] in statuses)


def readable(pidfd: int, seconds: float) -> bool:
    return bool(select.select([pidfd], [], [], seconds)[0])


def started_late(ear: Ear) -> int:
    count = 0
    while True:
        try:
            ear.hear(0)
        except TimeoutError:
            return count
        count += 1


if __name__ == "__main__":
    main()
