"""An execution that brings its manager down is not run again for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from manager_process import ManagerProcess, await_death, running_manager

from cloudwright.client.errors import IllegalAction


def crash(manager: ManagerProcess, times: int) -> None:
    """Kill the manager each time that the operation runs again."""
    for _ in range(times):
        manager.event_log.write_text("")
        manager.restart()
        _, _, pid = manager.await_logged("start", "step0")
        manager.kill9()
        await_death(pid)


def test_after_three_crashes_it_ends_and_only_a_forced_resume_tries_again(tmp_path: Path) -> None:
    with running_manager(tmp_path, kill_grace=1, task_retry_interval=0.1) as manager:
        id = manager.run("chain", steps=1, seconds=600)
        manager.await_logged("start", "step0")
        manager.kill9()
        crash(manager, 2)
        manager.restart()
        end = manager.end(id)
        assert end["status"] == "failed"
        assert "died 3 times" in end["error"]
        assert "resume --force" in end["error"]
        assert manager.operations(id)[0]["state"] == "failed"
        with pytest.raises(IllegalAction, match="died 3 times"):
            manager.client.executions.resume(id)
        manager.event_log.write_text("")
        manager.client.executions.resume(id, reset_operations=True)
        manager.await_logged("start", "step0")
        manager.kill9()
        manager.restart()
        # One more crash is enough.
        assert manager.end(id)["status"] == "failed"


def test_crashes_are_counted_for_each_execution_by_itself(tmp_path: Path) -> None:
    with running_manager(tmp_path, kill_grace=1, task_retry_interval=0.1) as manager:
        id = manager.run("chain", steps=1, seconds=600)
        manager.await_logged("start", "step0")
        manager.kill9()
        crash(manager, 1)
        manager.event_log.write_text("")
        manager.restart()
        manager.await_logged("start", "step0")
        bystander = manager.run("ignoring", steps=1, seconds=600)
        manager.event(bystander, "task_started")
        manager.kill9()
        manager.restart()
        assert manager.end(id)["status"] == "failed"
        assert manager.status(bystander) == "started"
        manager.cancel(bystander, "kill")
        assert manager.end(bystander)["status"] == "cancelled"


def test_a_stop_in_good_order_is_no_crash(tmp_path: Path) -> None:
    with running_manager(tmp_path, kill_grace=1, task_retry_interval=0.1) as manager:
        id = manager.run("chain", steps=1, seconds=600)
        for _ in range(4):
            manager.await_logged("start", "step0")
            manager.stop()
            manager.event_log.write_text("")
            manager.restart()
        assert manager.status(id) == "started"
        manager.cancel(id, "kill")
        assert manager.end(id)["status"] == "cancelled"


@pytest.mark.parametrize(("asked", "status"), [(False, "failed"), (True, "cancelled")])
def test_no_resume_ends_what_was_interrupted(tmp_path: Path, asked: bool, status: str) -> None:
    with running_manager(tmp_path, kill_grace=1, task_retry_interval=0.1) as manager:
        id = manager.run("ignoring", steps=1, seconds=600)
        manager.event(id, "task_started")
        if asked:
            manager.cancel(id)
        manager.kill9()
        manager._settings["CLOUDWRIGHT_NO_RESUME"] = "1"
        manager.restart()
        end = manager.end(id)
        assert end["status"] == status
        assert "--no-resume" in end["error"]
