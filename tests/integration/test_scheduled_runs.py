"""Schedules over idle times, restarts and kills of the manager."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from manager_process import ManagerProcess, running_manager


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def runs(manager: ManagerProcess, deployment: str) -> list[str]:
    found = manager.client.executions.list(deployment_id=deployment).items
    return [execution["id"] for execution in found if execution["workflow_id"] == "chain"]


def test_a_manager_that_ends_when_idle_stays_for_what_is_scheduled(tmp_path: Path) -> None:
    with running_manager(tmp_path, idle_exit=0.5) as manager:
        deployment = manager.deploy()
        manager.client.execution_schedules.create(
            deployment, "s", "chain", since=in_seconds(3), count=1, parameters={"steps": 1}
        )
        # Nobody is connected any more.
        manager.client.close()
        manager.await_logged("end")
        assert manager.process is not None
        assert manager.process.wait(60) == 0
        assert "nothing to do" in manager.log()


@pytest.mark.timeout(120)
def test_a_run_that_fell_due_while_the_manager_was_dead_is_started_once(tmp_path: Path) -> None:
    with running_manager(tmp_path) as manager:
        deployment = manager.deploy()
        rule = "FREQ=MINUTELY;INTERVAL=5"
        made = manager.client.execution_schedules.create(
            deployment, "s", "chain", since=in_seconds(2), rrule=rule, parameters={"steps": 1}
        )
        manager.kill9()
        due = datetime.fromisoformat(str(made["next_occurrence"]))
        # The manager has to be away when the time comes.
        time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
        manager.restart()
        manager.await_logged("end")
        [id] = runs(manager, deployment)
        manager.kill9()
        manager.restart()
        assert manager.end(id)["status"] == "terminated"
        found = manager.client.execution_schedules.of_deployment(deployment, "s")
        assert (found["latest_execution_id"], found["skipped"]) == (id, [])
        assert found["next_occurrence"] == (due + timedelta(minutes=5)).isoformat(
            timespec="milliseconds"
        ).replace("+00:00", "Z")
        assert runs(manager, deployment) == [id]
        assert len(manager.logged("end")) == 1
