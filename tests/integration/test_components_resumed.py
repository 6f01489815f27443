"""Executions of components that were resumed and are cancelled before they run again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from composition import Composition
from ledger import Ledger
from manager_process import ManagerProcess, running_manager, workflow_processes


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagerProcess]:
    """One that runs one workflow at a time, besides those that it waits for."""
    folder = tmp_path_factory.mktemp("manager")
    with running_manager(folder, kill_grace=1, task_retry_interval=0.1, max_workflows=1) as running:
        yield running


@pytest.mark.parametrize("how", ["cancel", "force-cancel", "kill"])
def test_what_waits_to_be_resumed_waits_for_its_children(
    manager: ManagerProcess, tmp_path: Path, how: str
) -> None:
    made = Composition(manager, tmp_path / "made", install=False, workflow="stubborn")
    made.control("stubborn", "hold")
    id = made.start("install")
    made.await_held()
    # The parent's workflow dies; what it started in its component goes on.
    [process] = workflow_processes(id)
    os.kill(process, signal.SIGKILL)
    assert manager.end(id)["status"] == "failed"
    mid, low = made.only(made.mid)["id"], made.only(made.low, "stubborn")["id"]
    # The only place is taken, so that it waits to be resumed.
    other = Ledger(manager, tmp_path / "other", install=False)
    other.control("create.db", "hold")
    busy = other.start("install")
    other.await_held()
    manager.client.executions.resume(id)
    assert manager.status(id) == "pending"
    assert manager.cancel(id, how)["status"] != "cancelled"
    if how == "cancel":
        assert mid in manager.event(id, "execution_waits_for_children")["message"]
        assert [manager.status(one) for one in (id, mid, low)] == ["cancelling"] * 3
        made.control("stubborn", None)
    ended = manager.end(id)
    assert (ended["status"], ended["cancel_mode"]) == ("cancelled", how)
    assert "was cancelled while it waited to be resumed" in ended["error"]
    assert {manager.status(one) for one in (mid, low)} <= {"cancelled", "terminated"}
    assert workflow_processes(id) == []
    # It is resumed as ever.
    other.control("create.db", None)
    assert manager.end(busy)["status"] == "terminated"
    if how != "cancel":
        made.control("stubborn", None)
    manager.client.executions.resume(id)
    assert manager.end(id)["status"] == "terminated", manager.story(id)
