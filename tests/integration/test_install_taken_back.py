"""``install`` with ``on_cancel: rollback``: a cancel takes down what was added, a resume installs again."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledger import THREE, Ledger
from manager_process import ManagerProcess


@pytest.fixture
def ledger(manager: ManagerProcess, tmp_path: Path) -> Ledger:
    return Ledger(manager, tmp_path, THREE, install=False)


def test_a_cancel_takes_down_what_was_added(ledger: Ledger) -> None:
    ledger.run("install", node_ids=["db"])
    kept = ledger.things()
    ledger.control("start.app", "hold")
    id = ledger.start("install", on_cancel="rollback")
    ledger.await_held()
    ledger.manager.cancel(id)
    ledger.control("start.app", None)
    ended = ledger.manager.end(id)
    assert ended["status"] == "cancelled", ledger.manager.story(id)
    assert ledger.things() == ledger.live() == kept
    assert "Rolled back: 4 undone" in ledger.manager.story(id)
    ledger.client.executions.resume(id)
    assert ledger.manager.end(id)["status"] == "terminated", ledger.manager.story(id)
    assert ledger.things() == ledger.live() == set(ledger.instances())
    assert ledger.ran().count("create db") == 1


@pytest.mark.parametrize("how", ["force-cancel", "kill"])
def test_an_end_that_is_forced_takes_nothing_back(ledger: Ledger, how: str) -> None:
    ledger.control("start.app", "hold")
    id = ledger.start("install", on_cancel="rollback")
    ledger.await_held()
    ledger.manager.cancel(id, how)
    assert ledger.manager.end(id)["status"] == "cancelled"
    ledger.control("start.app", None)
    assert ledger.things() <= ledger.live()
    assert ledger.things()
    ledger.run("uninstall")
    assert ledger.things() == set()


def test_killed_while_it_takes_back_it_goes_on(ledger: Ledger) -> None:
    ledger.control("start.app", "hold")
    ledger.control("delete.host", "hold")
    id = ledger.start("install", on_cancel="rollback")
    ledger.await_held()
    ledger.manager.cancel(id)
    ledger.control("start.app", None)
    ledger.manager.event(id, lambda event: "delete" in str(event.get("operation")))
    ledger.manager.kill9()
    ledger.control("delete.host", None)
    ledger.manager.restart()
    ended = ledger.manager.end(id)
    assert ended["status"] == "cancelled", ledger.manager.story(id)
    assert ledger.things() == ledger.live() == set(), ledger.manager.story(id)
