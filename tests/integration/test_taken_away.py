"""What an execution needs is taken away under it: what can not go on fails, and every request still ends."""

from __future__ import annotations

from lab import running_lab


def test_a_deployment_that_is_deleted_by_force_fails_its_operations_and_nobody_else_s(tmp_path):
    with running_lab(tmp_path, max_operations=1, task_retries=0) as lab:
        doomed, other = lab.deploy(), lab.deploy()
        blocking = lab.run("chain", steps=1, seconds=2)
        lab.await_tape("start", "step0")
        # These wait for the one slot, and are granted together.
        ids = [lab.run("ignoring", deployment, steps=1) for deployment in (doomed, other)]
        while [op["state"] for id in ids for op in lab.operations(id)] != ["sent", "sent"]:
            pass
        lab.client.deployments.delete(doomed, force=True)
        assert lab.end(blocking)["status"] == "terminated"
        execution = lab.end(ids[0])
        assert execution["status"] == "failed"
        assert "node instance" in execution["error"]
        assert lab.end(ids[1])["status"] == "terminated"
