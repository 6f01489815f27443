"""``scale``, ``heal`` and ``update`` stopped at every operation in every way: cancelled, or something killed
with SIGKILL. What is there is listed, a resume finishes it, and nothing is in the way of the next change.

``make changes`` runs every case; otherwise a sample of them runs, by the seed ``CHANGES_SEED``.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ledger import THREE, Ledger
from manager_process import ManagerProcess, await_death, workflow_processes

SAMPLE = 8

HEALED = """\
node_templates:
  host: {type: checked}
  app:
    type: thing
    relationships: [{type: cloudify.relationships.contained_in, target: host}]
  own: {type: healing}
"""
OLD = """\
node_templates:
  db: {type: thing}
  web:
    type: thing
    relationships: [{type: uses, target: db}]
  old: {type: thing}
"""
NEW = """\
node_templates:
  db: {type: thing}
  web:
    type: thing
    properties: {color: blue}
    relationships: [{type: uses, target: db}, {type: uses, target: extra}]
  extra: {type: thing}
"""


class Change(NamedTuple):
    nodes: str
    start: Callable[[Ledger], str]
    operations: str
    #: How many instances each node has when it is finished.
    result: dict[str, int]


def _scale(name: str, delta: int) -> Callable[[Ledger], str]:
    return lambda ledger: ledger.start("scale", scalable_entity_name=name, delta=delta)


def _heal(ledger: Ledger) -> str:
    for check in ("check_status.host", "check_status.own"):
        if not (ledger.folder / "control" / check).exists():
            ledger.control(check, "fail")
    return ledger.start("heal")


def _update(ledger: Ledger, **more: Any) -> str:
    more = more or {"blueprint_id": ledger.upload(f"{ledger.id}-new", NEW)}
    return str(ledger.client.deployment_updates.start(ledger.id, **more)["execution_id"])


CHANGES = {
    "out": Change(
        THREE,
        _scale("host", 1),
        "create.host start.host create.app start.app establish.app",
        {"db": 1, "host": 3, "app": 3},
    ),
    "in": Change(
        THREE,
        _scale("host", -1),
        "stop.app unlink.app delete.app stop.host delete.host",
        {"db": 1, "host": 1, "app": 1},
    ),
    "heal": Change(
        HEALED,
        _heal,
        "heal.own stop.app delete.app stop.host delete.host create.host start.host create.app start.app",
        {"host": 1, "app": 1, "own": 1},
    ),
    "update": Change(
        OLD,
        _update,
        "unlink.web stop.web delete.web stop.old delete.old "
        "create.web start.web create.extra start.extra establish.web",
        {"db": 1, "web": 1, "extra": 1},
    ),
}
CANCELS = ("cancel", "force-cancel", "kill")
FAULTS = ("manager", "workflow", "operation", *CANCELS)


class Case(NamedTuple):
    change: str
    #: The operation that is held, before it has done its work or after (``.done``).
    held: str
    fault: str
    #: What is done then: the execution is resumed, or another change is started.
    then: str


EVERY = [
    Case(name, f"{operation}{phase}", fault, then)
    for fault in FAULTS
    for name, change in CHANGES.items()
    for operation in change.operations.split()
    for phase in ("", ".done")
    for then in (("resume",) if fault in ("manager", "operation") else ("resume", "another"))
]


def _chosen() -> list[Case]:
    if os.environ.get("CHANGES") == "all":
        return EVERY
    seeded = random.Random(os.environ.get("CHANGES_SEED", "1"))
    return [
        seeded.choice([case for case in EVERY if (case.change, case.fault) == pair])
        for pair in seeded.sample([(name, fault) for name in CHANGES for fault in FAULTS], SAMPLE)
    ]


@pytest.mark.parametrize("case", _chosen(), ids="-".join)
def test_nothing_is_lost_and_nothing_in_the_way(manager: ManagerProcess, tmp_path: Path, case: Case) -> None:
    change = CHANGES[case.change]
    ledger = Ledger(manager, tmp_path, change.nodes)
    ledger.control(case.held, "hold")
    id = change.start(ledger)
    operation = ledger.await_held()
    ended = _stop(ledger, id, case, operation)
    _nothing_goes_on(ledger)
    _what_is_there_is_listed(ledger)
    if ended["status"] != "terminated":
        assert case.fault != "operation", ended["error"]
        assert (ended["status"] == "cancelled") == (case.fault in CANCELS), ended["error"]
        assert ended["status"] == "cancelled" or ended["error"]
    if case.then == "resume":
        if ended["status"] != "terminated":
            manager.client.executions.resume(id)
            ended = manager.end(id)
            assert ended["status"] == "terminated", f"{ended['error']}\n{manager.story(id)}"
        _nothing_goes_on(ledger)
        assert {node: now for node, (now, _) in ledger.counts().items()} == change.result
        rows = ledger.instances()
        assert {one["state"] for one in rows.values()} == {"started"}
        assert ledger.things() == set(rows)
    for check in ("check_status.host", "check_status.own"):
        (ledger.folder / "control" / check).unlink(missing_ok=True)
    _others_begin(ledger, "db" if case.change != "heal" else "own")
    ledger.run("uninstall")
    assert ledger.things() == ledger.live() == set()


def _stop(ledger: Ledger, id: str, case: Case, operation: int) -> dict[str, Any]:
    """Do what the case says while the operation is held; returns the execution as it ended."""
    manager = ledger.manager
    if case.fault in CANCELS:
        manager.cancel(id, case.fault)
        ended = manager.end(id)
        # After a standard cancel it may run still, to its own end.
        ledger.control(case.held, None)
        await_death(operation)
        return ended
    if case.fault == "manager":
        manager.kill9()
        await_death(operation)
        ledger.control(case.held, None)
        manager.restart()
        return manager.end(id)
    if case.fault == "workflow":
        [process] = workflow_processes(id)
        os.kill(process, signal.SIGKILL)
        ended = manager.end(id)
        ledger.control(case.held, None)
        await_death(operation)
        return ended
    os.kill(operation, signal.SIGKILL)
    ledger.control(case.held, None)
    return manager.end(id)


def _nothing_goes_on(ledger: Ledger) -> None:
    assert "started" not in ledger.modifications()
    assert not {"updating", "executing_workflow", "started"} & set(ledger.updates())


def _what_is_there_is_listed(ledger: Ledger) -> None:
    """What exists is listed as being there; what is listed and does not exist was half-way."""
    listed = ledger.instances()
    things, live = ledger.things(), ledger.live()
    assert things <= live, f"not listed as being there: {things - live}"
    doubtful = {id: listed[id]["state"] for id in live - things}
    assert set(doubtful.values()) <= {"initializing", "creating", "stopped", "deleting"}, doubtful


def _others_begin(ledger: Ledger, node: str) -> None:
    """A modification and an update each begin at the first try, and end well."""
    id = _scale(node, 1)(ledger)
    ended = ledger.manager.end(id)
    assert ended["status"] == "terminated", f"{ended['error']}\n{ledger.manager.story(id)}"
    id = _update(
        ledger, inputs={"color": "green"}, skip_reinstall=True, skip_install=True, skip_uninstall=True
    )
    ended = ledger.manager.end(id)
    assert ended["status"] == "terminated", f"{ended['error']}\n{ledger.manager.story(id)}"
    _nothing_goes_on(ledger)
