"""The engine over a real PostgreSQL: cancelling, a crash, and a database that goes away and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from manager_process import ManagerProcess, alive, await_death, running_manager

from postgres import PostgresServer


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of its own: the tests stop it."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def manager(server: PostgresServer, tmp_path: Path) -> Iterator[ManagerProcess]:
    url = server.create_empty_database()
    with running_manager(tmp_path, kill_grace=1, task_retry_interval=0.1, database_url=url) as running:
        yield running


def test_cancelling_in_every_way_and_resuming(manager: ManagerProcess) -> None:
    id = manager.run("chain", steps=2, seconds=60)
    _, _, pid = manager.await_logged("start", "step0")
    manager.cancel(id)
    assert manager.end(id)["residual_operations"] == 1
    assert alive(pid)
    manager.cancel(id, "kill")
    await_death(pid)
    manager.event_log.write_text("")
    spinning = manager.run("spinning")
    manager.event(spinning, "round and round")
    manager.cancel(spinning, "force-cancel")
    assert manager.end(spinning)["status"] == "cancelled"
    killed = manager.run("chain", steps=1, seconds=600, kwargs={"ignore_sigterm": True, "children": 1})
    _, _, pid = manager.await_logged("start", "step0")
    manager.cancel(killed, "kill")
    assert manager.end(killed)["status"] == "cancelled"
    assert not alive(pid)
    assert not alive(manager.logged("child", "step0")[0][2])


def test_a_crash_of_the_manager_is_recovered(manager: ManagerProcess) -> None:
    id = manager.run("chain", steps=2, seconds=1)
    _, _, pid = manager.await_logged("start", "step0")
    manager.kill9()
    await_death(pid)
    manager.restart()
    assert manager.end(id)["status"] == "terminated"
    assert [line[1] for line in manager.logged("end")] == ["step0", "step1"]


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_executions_wait_for_a_database_that_goes_away_and_comes_back(
    manager: ManagerProcess, server: PostgresServer, how: str
) -> None:
    id = manager.run("chain", steps=3, seconds=0.5)
    waiting = manager.run("rolling_back", steps=1)
    manager.event(waiting, "waiting for a cancel request")
    manager.await_logged("start", "step0")
    getattr(server, how)()
    # What runs goes on to its end, which cannot be stored for now.
    manager.await_logged("end", "step0")
    server.start()
    assert manager.end(id)["status"] == "terminated"
    assert [line[1] for line in manager.logged("end") if line[1] != "undo-step0"].count("step2") == 1
    manager.cancel(waiting)
    assert manager.end(waiting)["status"] == "cancelled"
