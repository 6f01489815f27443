"""What an execution needs is taken away under it: what can not go on fails, and every request still ends."""

from __future__ import annotations

from pathlib import Path

from manager_process import running_manager


def test_a_deployment_that_is_deleted_by_force_fails_its_operations_and_nobody_else_s(tmp_path: Path) -> None:
    with running_manager(tmp_path, max_operations=1, task_retries=0) as manager:
        doomed, other = manager.deploy(), manager.deploy()
        blocking = manager.run("chain", steps=1, seconds=2)
        manager.await_logged("start", "step0")
        # These wait for the one slot, and are granted together.
        ids = [manager.run("ignoring", deployment, steps=1) for deployment in (doomed, other)]
        while [op["state"] for id in ids for op in manager.operations(id)] != ["sent", "sent"]:
            pass
        manager.client.deployments.delete(doomed, force=True)
        assert manager.end(blocking)["status"] == "terminated"
        execution = manager.end(ids[0])
        assert execution["status"] == "failed"
        assert "node instance" in execution["error"]
        assert manager.end(ids[1])["status"] == "terminated"
