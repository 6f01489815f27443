"""What a manager holds does not grow with the executions that it has seen."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from manager_process import ManagerProcess, running_manager

COUNTING_MANAGER = Path(__file__).with_name("counting_manager.py")
#: One of each way in which an execution can go: the workflow, its parameters, what is awaited before it is
#: cancelled, and how. Some leave an operation behind, which a kill then ends.
WAYS: list[tuple[str, dict[str, Any], str | None, str | None]] = [
    ("chain", {"steps": 2}, None, None),
    ("chain", {"steps": 2, "seconds": 60}, "task_started", "cancel"),
    ("chain", {"steps": 2, "seconds": 60}, "task_started", "force-cancel"),
    ("chain", {"steps": 2, "seconds": 60, "kwargs": {"children": 1}}, "task_started", "kill"),
    ("chain", {"steps": 1, "kwargs": {"fail": "never"}}, None, None),
    ("chain", {"steps": 1, "kwargs": {"fail": "retry"}}, None, None),
    ("chain", {"steps": 1, "operation": "sleeper.script"}, None, None),
    ("ignoring", {"steps": 2}, None, None),
    ("rolling_back", {"steps": 2}, "waiting for a cancel", "cancel"),
    ("spinning", {}, "round and round", "force-cancel"),
    ("spinning", {}, None, "kill"),
    ("misbehaving", {"how": "exit"}, None, None),
]
#: The place of one that fails.
FAILS = 4
#: How often all of them are run before the first look, and between one look and the next.
WARMING, ROUNDS = 3, 6
#: What is loaded, compiled or cached when it is first needed may come late; what is held for each execution
#: grows in every span.
SPANS = 3
#: How much longer than the last process a deadline or a connection may live that is of no use any more.
PATIENCE = 15.0


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[ManagerProcess]:
    with running_manager(
        tmp_path,
        program=COUNTING_MANAGER,
        environment={"COUNTS_SOCKET": str(tmp_path / "counts")},
        kill_grace=1,
    ) as manager:
        yield manager


@pytest.mark.timeout(300)
def test_nothing_is_held_of_executions_that_are_over(counted: ManagerProcess) -> None:
    deployments = [counted.deploy() for _ in WAYS]
    for _ in range(WARMING):
        run_all(counted, deployments)
    before = settled(counted)
    held: dict[str, Any] = {}
    for span in range(SPANS):
        executions = sum(run_all(counted, deployments) for _ in range(ROUNDS))
        after = settled(counted, partial(_has_not_grown, before, executions))
        growth = grown(before, after, executions)
        held = {
            kind: (*held.get(kind, ()), more) for kind, more in growth.items() if not span or kind in held
        }
        if not held:
            return
        before = after
    raise AssertionError(f"of these there are more after each {ROUNDS * len(WAYS)} executions: {held}")


def _has_not_grown(before: dict[str, Any], executions: int, now: dict[str, Any]) -> bool:
    return not grown(before, now, executions)


def run_all(manager: ManagerProcess, deployments: list[str]) -> int:
    """Run one execution of each way, all at once; answers how many there were."""
    ids = [
        manager.run(workflow, deployment, **parameters)
        for (workflow, parameters, _, _), deployment in zip(WAYS, deployments, strict=True)
    ]
    for id, (_, _, awaited, how) in zip(ids, WAYS, strict=True):
        if awaited:
            manager.event(id, awaited)
        if how:
            manager.cancel(id, how)
    for id in ids:
        manager.end(id)
        manager.cancel(id, "kill")
    # One that is owned twice must not be held either.
    manager.client.executions.resume(ids[FAILS])
    assert manager.end(ids[FAILS])["status"] == "failed"
    return len(ids)


def settled(
    manager: ManagerProcess, enough: Callable[[dict[str, Any]], bool] | None = None
) -> dict[str, Any]:
    """What the manager holds once it is ``enough``, or once two looks see the same."""
    until = time.monotonic() + PATIENCE
    held = object_counts(manager)
    while time.monotonic() < until:
        now = object_counts(manager)
        same = all(now[kind] == held[kind] for kind in ("objects", "processes"))
        if enough(now) if enough else same:
            return now
        held = now
    return held


def grown(before: dict[str, Any], after: dict[str, Any], executions: int) -> dict[str, tuple[int, int]]:
    """What there is more of: exactly, but for the interpreter's own objects, of which one for every other
    execution is too much, and blocks of memory, of which ten for each are.
    """
    exact = [
        {**held["objects"], **{name: held[name] for name in ("ids", "descriptors", "threads", "processes")}}
        for held in (before, after)
    ]
    more = {
        name: (exact[0].get(name, 0), count)
        for name, count in exact[1].items()
        if count > exact[0].get(name, 0)
    }
    # Blocks hold numbers and texts too, of which caches with a bound take some: two to five an execution were
    # seen, without an object that holds them. What is held of an execution is far more.
    limits = {"tracked": executions / 2, "blocks": executions * 10}
    return more | {
        name: (before[name], after[name])
        for name, limit in limits.items()
        if after[name] - before[name] >= limit
    }


def object_counts(manager: ManagerProcess) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as asking, asking.makefile() as answer:
        asking.connect(str(manager.home.parent / "counts"))
        held: dict[str, Any] = json.loads(answer.readline())
    held["processes"] = len(psutil.Process(manager.process.pid).children(recursive=True))
    return held
