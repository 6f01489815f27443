"""The database is locked by somebody else, or its disk is full, while executions in every status run: they
wait, nothing is lost, and each ends as it would have; meanwhile the manager says what is wrong.
"""

from __future__ import annotations

import itertools
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from manager_process import ManagerProcess, alive, await_death, running_manager, workflow_processes

#: Makes the database take no writes, for as long as it is entered.
Trouble = Callable[[ManagerProcess], AbstractContextManager[None]]


@contextmanager
def locked(manager: ManagerProcess) -> Iterator[None]:
    """Another program holds the write lock, for longer than SQLite waits by itself."""
    with sqlite3.connect(manager.home / "cloudwright.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    other.close()


@contextmanager
def full(manager: ManagerProcess) -> Iterator[None]:
    """No file of the manager's may grow beyond what its log has come to and a little more."""
    before = resource.prlimit(manager.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(manager.process.pid, resource.RLIMIT_FSIZE, (len(manager.log()) + 8192, before[1]))
    yield
    resource.prlimit(manager.process.pid, resource.RLIMIT_FSIZE, before)


def zygotes(manager: ManagerProcess) -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process(manager.process.pid).children()
        if "zygote" in " ".join(process.cmdline())
    ]


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[ManagerProcess]:
    """Places for four workflows."""
    with running_manager(tmp_path, max_workflows=4, kill_grace=0.2, task_retry_interval=0.1) as manager:
        yield manager


@pytest.mark.parametrize("trouble", [locked, full])
def test_a_request_of_any_kind_ends_processes_before_it_can_be_stored(
    busy: ManagerProcess, trouble: Trouble
) -> None:
    stubborn: dict[str, Any] = {"steps": 1, "seconds": 600, "kwargs": {"ignore_sigterm": True, "children": 1}}
    killed = busy.run("chain", **stubborn)
    pids = [busy.await_logged(what, "step0")[2] for what in ("start", "child")]
    forced = busy.run("spinning")
    busy.event(forced, "round and round")
    # A workflow that is only asked to stop begins nothing more, and ends by itself.
    asked_to_stop = busy.run("chain", steps=2, seconds=600)
    busy.event(asked_to_stop, "task_started")
    workflows = [workflow_processes(id) for id in (forced, asked_to_stop)]
    assert all(workflows)
    # They end after the request was made, and while nothing of it is stored.
    with ThreadPoolExecutor(3) as users:
        with trouble(busy):
            asked = [
                users.submit(busy.cancel, forced, "force-cancel"),
                users.submit(busy.cancel, killed, "kill"),
                users.submit(busy.cancel, asked_to_stop),
            ]
            for pid in (*map(str, itertools.chain(*workflows)), *pids):
                await_death(pid)
            assert {busy.status(id) for id in (forced, killed, asked_to_stop)} == {"started"}
            assert busy.client.status()["services"]["Database"]["extra_info"]["trouble"]
            assert not any(request.done() for request in asked)
        # Nothing of them runs any more, so their end may be stored before the answer is made.
        answered = [request.result()["status"] for request in asked]
        assert answered[0] in ("force_cancelling", "cancelled")
        assert answered[1] in ("kill_cancelling", "cancelled")
        assert answered[2] in ("cancelling", "cancelled")
    assert {busy.end(id)["status"] for id in (forced, killed, asked_to_stop)} == {"cancelled"}
    # What it runs goes on, as after any standard request, and nothing follows it.
    assert [entry["name"] for entry in busy.operations(asked_to_stop) if entry["state"] == "started"]
    busy.cancel(asked_to_stop, "kill")
    assert "asked to kill" in busy.story(killed)


@pytest.mark.parametrize("trouble", [locked, full])
def test_executions_in_every_status_wait_for_a_database_that_takes_no_writes(
    busy: ManagerProcess, tmp_path: Path, trouble: Trouble
) -> None:
    gate, idle = tmp_path / "gate", busy.deploy()
    stubborn: dict[str, Any] = {"steps": 1, "seconds": 600, "kwargs": {"ignore_sigterm": True, "children": 1}}
    killed = busy.run("chain", **stubborn)
    _, _, stubborn_pid = busy.await_logged("start", "step0")
    _, _, child, _ = busy.await_logged("child", "step0")
    busy.event_log.write_text("")
    forced = busy.run("spinning")
    busy.event(forced, "round and round")
    cancelling = busy.run("ignoring", steps=0, gate=str(gate))
    busy.event(cancelling, "at the gate")
    started = busy.run("chain", steps=3, seconds=0.3)
    busy.await_logged("start", "step0")
    pending = busy.run("ignoring", steps=1)
    # What is forced and killed stays so until the zygotes go on, and its end is met by the trouble.
    for zygote in zygotes(busy):
        zygote.send_signal(signal.SIGSTOP)
    busy.cancel(cancelling)
    busy.cancel(forced, "force-cancel")
    busy.cancel(killed, "kill")
    before = [busy.status(id) for id in (pending, started, cancelling, forced, killed)]
    assert before == ["pending", "started", "cancelling", "force_cancelling", "kill_cancelling"]
    with ThreadPoolExecutor(1) as user:
        with trouble(busy):
            for zygote in zygotes(busy):
                zygote.send_signal(signal.SIGCONT)
            gate.touch()
            busy.await_log("The database does not take writes")
            told = busy.client.status()
            assert told["status"] == "Fail"
            assert told["services"]["Database"]["extra_info"]["trouble"]
            # Nobody says that it is over, though the processes are dead by now.
            assert busy.status(forced) == "force_cancelling"
            assert busy.status(killed) == "kill_cancelling"
            # A request that is made now waits too.
            asked = user.submit(busy.run, "ignoring", idle, steps=1)
            assert not asked.done()
        busy.await_log("no write was lost")
        late = asked.result()
    assert busy.client.status()["status"] == "OK"
    ends = {busy.end(id)["status"] for id in (pending, started, late)}
    assert ends == {"terminated"}
    assert busy.end(cancelling)["status"] == "terminated"
    assert busy.end(forced)["status"] == "cancelled"
    assert busy.end(killed)["status"] == "cancelled"
    assert [pid for pid in (stubborn_pid, child) if alive(pid)] == []
    steps = [line[1] for line in busy.logged("end")]
    assert [steps.count(step) for step in ("step0", "step1", "step2")] == [3, 1, 1]
