"""The engine over a real PostgreSQL: cancelling, a crash, and a database that goes away and comes back."""

from __future__ import annotations

import pytest

from lab import alive, await_death, running_lab
from postgres import PostgresServer


@pytest.fixture
def server():
    """A server of its own: the tests stop it."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def lab(server, tmp_path):
    url = server.create_empty_database()
    with running_lab(tmp_path, kill_grace=1, task_retry_interval=0.1, database_url=url) as running:
        yield running


def test_cancelling_in_every_way_and_resuming(lab):
    id = lab.run("chain", steps=2, seconds=60)
    _, _, pid = lab.await_tape("start", "step0")
    lab.cancel(id)
    assert lab.end(id)["residual_operations"] == 1
    assert alive(pid)
    lab.cancel(id, "kill")
    await_death(pid)
    lab.tape.write_text("")
    spinning = lab.run("spinning")
    lab.event(spinning, "round and round")
    lab.cancel(spinning, "force-cancel")
    assert lab.end(spinning)["status"] == "cancelled"
    killed = lab.run("chain", steps=1, seconds=600, kwargs={"ignore_sigterm": True, "children": 1})
    _, _, pid = lab.await_tape("start", "step0")
    lab.cancel(killed, "kill")
    assert lab.end(killed)["status"] == "cancelled"
    assert not alive(pid)
    assert not alive(lab.on_tape("child", "step0")[0][2])


def test_a_crash_of_the_manager_is_recovered(lab):
    id = lab.run("chain", steps=2, seconds=1)
    _, _, pid = lab.await_tape("start", "step0")
    lab.kill9()
    await_death(pid)
    lab.restart()
    assert lab.end(id)["status"] == "terminated"
    assert [line[1] for line in lab.on_tape("end")] == ["step0", "step1"]


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_executions_wait_for_a_database_that_goes_away_and_comes_back(lab, server, how):
    id = lab.run("chain", steps=3, seconds=0.5)
    waiting = lab.run("rolling_back", steps=1)
    lab.event(waiting, "waiting for a cancel request")
    lab.await_tape("start", "step0")
    getattr(server, how)()
    # What runs goes on to its end, which cannot be stored for now.
    lab.await_tape("end", "step0")
    server.start()
    assert lab.end(id)["status"] == "terminated"
    assert [line[1] for line in lab.on_tape("end") if line[1] != "undo-step0"].count("step2") == 1
    lab.cancel(waiting)
    assert lab.end(waiting)["status"] == "cancelled"
