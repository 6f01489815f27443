"""Groups of executions over kills of the manager, and cancelled while they run."""

from __future__ import annotations

from pathlib import Path

import pytest
from manager_process import ManagerProcess, running_manager


def fleet(manager: ManagerProcess, size: int) -> None:
    manager.deploy()
    manager.client.deployment_groups.put(
        "fleet",
        blueprint_id="sleeper",
        default_inputs={"event_log": str(manager.event_log)},
        new_deployments=[{}] * size,
    )


@pytest.mark.timeout(200)
def test_a_group_of_twenty_goes_on_after_its_manager_was_killed_and_runs_nothing_twice(
    tmp_path: Path,
) -> None:
    with running_manager(tmp_path) as manager:
        fleet(manager, 20)
        group = manager.client.execution_groups.start(
            "fleet",
            "chain",
            default_parameters={"steps": 1, "operation": "sleeper.once"},
            concurrency=4,
        )
        # In the middle: some have ended, some run, most wait.
        manager.await_logged("end")
        manager.kill9()
        manager.restart()
        for id in group["execution_ids"]:
            manager.end(id)
        found = manager.client.execution_groups.get(group["id"])
        counts = found["executions_by_status"]
        assert sum(counts.values()) == 20
        assert set(counts) <= {"terminated", "failed"}
        # Each has one operation, which is not resumable.
        assert len(manager.logged("start")) <= 20, "an operation ran twice"
        assert len(manager.logged("end")) >= counts["terminated"]
        # Only what the kill interrupted, four at most, may have failed for that.
        assert counts.get("failed", 0) <= 4
        assert found["status"] == ("failed" if counts.get("failed") else "terminated")


@pytest.mark.timeout(200)
def test_no_member_starts_after_the_group_was_asked_to_stop(tmp_path: Path) -> None:
    with running_manager(tmp_path, kill_grace=1) as manager:
        fleet(manager, 16)
        for how in ("cancel", "force-cancel", "kill"):
            group = manager.client.execution_groups.start(
                "fleet", "chain", default_parameters={"steps": 2, "seconds": 0.1}, concurrency=3
            )
            manager.event(group["execution_ids"][0], "workflow_succeeded")
            asked = manager.client.execution_groups.cancel(group["id"], how)
            # What had begun when the request was stored; nothing else does, whatever ends.
            begun = {id for id in group["execution_ids"] if began(manager, id)}
            assert asked["cancel_mode"] == how
            assert begun
            for id in group["execution_ids"]:
                manager.end(id)
            assert {id for id in group["execution_ids"] if began(manager, id)} == begun
            found = manager.client.execution_groups.get(group["id"])
            assert found["status"] == "cancelled"
            assert found["executions_by_status"]["cancelled"] >= 16 - len(begun)


def began(manager: ManagerProcess, id: str) -> bool:
    return manager.client.executions.get(id)["started_at"] is not None
