"""In maintenance mode nothing that waits begins; what waited begins when it ends."""

from __future__ import annotations

from datetime import UTC, datetime

from manager_process import ManagerProcess


def test_what_waits_begins_after_the_maintenance(manager: ManagerProcess) -> None:
    assert manager.client is not None
    deployment = manager.deploy()
    running = manager.run("chain", deployment, steps=1, seconds=600)
    manager.await_logged("start", "step0")
    waiting = manager.client.executions.start(
        "chain", deployment, parameters={"steps": 1, "seconds": 0}, queue=True, allow_custom_parameters=True
    )["id"]
    transport = manager.client.executions._transport
    assert transport.request("POST", "/maintenance/activate")["status"] == "activating"
    manager.cancel(running, "kill")
    assert manager.end(running)["status"] == "cancelled"
    assert transport.request("GET", "/maintenance")["status"] == "activated"
    assert manager.client.executions.get(waiting)["status"] == "pending"
    until = datetime.now(UTC)
    assert transport.request("POST", "/maintenance/deactivate")["status"] == "deactivated"
    ended = manager.end(waiting)
    assert ended["status"] == "terminated"
    started = ended["started_at"]
    assert started is not None
    assert datetime.fromisoformat(started) >= until.replace(microsecond=until.microsecond // 1000 * 1000)
