"""The crash matrix of embedded mode: whatever is killed with SIGKILL, what the system says stays true, and
every request ends.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest
from manager_process import ManagerProcess, alive, await_death, leftovers, running_manager


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ManagerProcess]:
    with running_manager(tmp_path, kill_grace=1, task_retry_interval=0.1) as manager:
        yield manager


def zygotes(manager: ManagerProcess, kind: str) -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process(manager.process.pid).children()
        if f"zygote {kind}" in " ".join(process.cmdline())
    ]


def crash_and_restart(manager: ManagerProcess, pids: Iterable[str]) -> None:
    manager.kill9()
    for pid in pids:
        await_death(pid)
    manager.restart()


def test_a_started_execution_is_resumed_and_its_operation_runs_again_after_the_first_is_dead(
    own: ManagerProcess,
) -> None:
    id = own.run("chain", steps=2, seconds=1)
    _, _, pid = own.await_logged("start", "step0")
    crash_and_restart(own, [pid])
    assert not alive(pid)
    assert own.end(id)["status"] == "terminated"
    assert [line[1] for line in own.logged("end")] == ["step0", "step1"]
    assert len(own.logged("start", "step0")) == 2


def test_retries_continue_after_a_crash_and_begin_again_when_a_user_resumes(tmp_path: Path) -> None:
    with running_manager(tmp_path, kill_grace=1, task_retries=3, task_retry_interval=1) as own:
        id = own.run("chain", steps=1, kwargs={"fail": "always"})
        own.event(id, lambda event: "(retry 2 of 3)" in event["message"])
        crash_and_restart(own, [])
        assert own.end(id)["status"] == "failed"
        assert [line[1] for line in own.logged("try")] == ["0", "1", "2", "3"]
        own.event_log.write_text("")
        own.client.executions.resume(id)
        assert own.end(id)["status"] == "failed"
        assert [line[1] for line in own.logged("try")] == ["0", "1", "2", "3"]


def test_an_operation_that_is_not_resumable_fails_its_workflow_and_says_what_to_do(
    own: ManagerProcess,
) -> None:
    id = own.run("chain", steps=2, operation="sleeper.once", seconds=60)
    _, _, pid = own.await_logged("start", "step0")
    crash_and_restart(own, [pid])
    execution = own.end(id)
    assert execution["status"] == "failed"
    assert "resum" in execution["error"]
    assert len(own.logged("start")) == 1


def test_a_workflow_that_is_not_resumable_fails_and_says_so(own: ManagerProcess) -> None:
    id = own.run("unresumable")
    _, _, pid = own.await_logged("start", "only")
    crash_and_restart(own, [pid])
    execution = own.end(id)
    assert execution["status"] == "failed"
    assert "resum" in execution["error"]
    assert len(own.logged("start")) == 1


def test_a_pending_execution_is_started(tmp_path: Path) -> None:
    with running_manager(tmp_path, max_workflows=1) as manager:
        running = manager.run("spinning")
        manager.event(running, "round and round")
        waiting = manager.run("ignoring", steps=1)
        manager.kill9()
        manager.restart()
        # The one that ran cannot be resumed, and fails; the one that waited gets its place.
        assert manager.end(waiting)["status"] == "terminated"
        assert manager.end(running)["status"] == "failed"


def test_a_cancelling_execution_is_resumed_with_the_request_set(own: ManagerProcess) -> None:
    id = own.run("rolling_back", steps=2)
    own.event(id, "waiting for a cancel request")
    gate = own.run("ignoring", steps=1, seconds=600)
    own.await_logged("start", "step0")
    own.cancel(gate)
    assert own.status(gate) == "cancelling"
    own.kill9()
    own.restart()
    own.cancel(gate, "kill")
    assert own.end(gate)["status"] == "cancelled"
    own.cancel(id)
    assert own.end(id)["status"] == "cancelled"


def test_a_killed_execution_ends_cancelled_and_its_operations_are_dead(tmp_path: Path) -> None:
    with running_manager(tmp_path, kill_grace=600) as manager:
        id = manager.run("chain", steps=1, seconds=600, kwargs={"ignore_sigterm": True, "children": 1})
        _, _, pid = manager.await_logged("start", "step0")
        _, _, child, _ = manager.logged("child", "step0")[0]
        manager.cancel(id, "kill")
        manager.event(id, "operation_signalled")
        assert manager.status(id) == "kill_cancelling"
        manager.kill9()
        manager.restart()
        assert manager.end(id)["status"] == "cancelled"
        assert not alive(pid)
        assert not alive(child)


def test_everything_dies_with_manager_and_zygotes_killed_at_once(own: ManagerProcess) -> None:
    id = own.run("chain", steps=1, seconds=600, kwargs={"children": 1})
    _, _, pid = own.await_logged("start", "step0")
    _, _, child, _ = own.logged("child", "step0")[0]
    victims = [process for kind in ("workflows", "operations") for process in zygotes(own, kind)]
    assert len(victims) == 2
    for victim in victims:
        victim.suspend()
    own.kill9()
    for victim in victims:
        victim.kill()
    own.restart()
    assert not alive(pid)
    assert not alive(child)
    own.cancel(id, "kill")
    assert own.end(id)["status"] == "cancelled"


def test_the_loss_of_the_operations_zygote_costs_an_attempt_and_no_workflow(own: ManagerProcess) -> None:
    id = own.run("chain", steps=2, seconds=1)
    _, _, pid = own.await_logged("start", "step0")
    (zygote,) = zygotes(own, "operations")
    zygote.kill()
    await_death(pid)
    assert own.end(id)["status"] == "terminated"
    assert len(own.logged("start", "step0")) == 2


def test_an_operation_s_process_that_is_killed_is_retried(own: ManagerProcess) -> None:
    id = own.run("chain", steps=1, seconds=1)
    _, _, pid = own.await_logged("start", "step0")
    os.kill(int(pid), signal.SIGKILL)
    assert own.end(id)["status"] == "terminated"
    assert len(own.logged("start", "step0")) == 2
    assert "SIGKILL" in own.event(id, "task_failed")["message"]


def test_an_ordered_end_leaves_nothing_and_the_next_start_goes_on(own: ManagerProcess) -> None:
    id = own.run("chain", steps=2, seconds=1)
    _, _, pid = own.await_logged("start", "step0")
    own.stop()
    assert leftovers(own.home) == []
    assert not alive(pid)
    own.restart()
    assert own.end(id)["status"] == "terminated"
