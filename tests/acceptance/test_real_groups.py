"""The groups of Cloudify 7.0.5: its command line, and a script around its REST client."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cloudify_client_env import CLOUDIFY_CFY, Cfy
from manager_process import ManagerProcess

HERE = Path(__file__).parent


def test_a_script_with_the_real_client(manager: ManagerProcess, credentials: dict[str, str]) -> None:
    manager.deploy()
    port = credentials["url"].rpartition(":")[2]
    script = [str(HERE / "groups_script.py"), port, credentials["token"], "sleeper", str(manager.event_log)]
    ran = subprocess.run(
        [str(CLOUDIFY_CFY.with_name("python")), "-W", "ignore", *script],
        env={"PATH": "/usr/bin:/bin", "HOME": str(manager.home)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "ok"), ran.stdout + ran.stderr


@pytest.mark.timeout(300)
def test_groups_of_deployments(cfy: Cfy, manager: ManagerProcess) -> None:
    outside = manager.deploy()
    command = ("deployments", "groups")
    inputs = f"event_log={manager.event_log}"
    assert "Group team created" in cfy(*command, "create", "team", "-b", "sleeper", "-i", inputs)
    assert "now contains 2 deployments" in cfy(*command, "extend", "team", "--count", "2")
    assert "now contains 3 deployments" in cfy(*command, "extend", "team", "-d", outside)
    assert "Group team updated" in cfy(*command, "update", "team", "--description", "of three")
    said = cfy(*command, "list")
    assert "of three" in said
    assert "team" in said
    cfy(*command, "labels", "add", "colour:red", "team")
    assert "red" in cfy(*command, "labels", "list", "team")
    cfy(*command, "labels", "delete", "colour:red", "team")
    assert "now has 2 deployments" in cfy(*command, "shrink", "team", "-d", outside)
    assert "team-1" in cfy("deployments", "list", "-g", "team")
    assert "Group team deleted" in cfy(*command, "delete", "team", "--delete-deployments")


@pytest.mark.timeout(300)
def test_groups_of_executions(cfy: Cfy, manager: ManagerProcess) -> None:
    manager.deploy()
    new = [{"inputs": {"event_log": str(manager.event_log)}}] * 3
    manager.client.deployment_groups.put("crew", blueprint_id="sleeper", new_deployments=new)
    command = ("executions", "groups")
    said = cfy(*command, "start", "chain", "-g", "crew", "-p", "steps=1", "--concurrency", "2")
    assert "Finished executing workflow chain on deployment group crew" in said
    assert "[concurrency=2]" in said
    group = manager.client.execution_groups.start("crew", "polite", concurrency=1)["id"]
    assert "crew" in cfy(*command, "list")
    assert "polite" in cfy(*command, "get", group)
    assert "status summary" in cfy(*command, "details", group)
    assert "concurrency set to 2" in cfy(*command, "set-concurrency", group, "2")
    manager.client.deployment_groups.put("fine")
    assert "success target group set to fine" in cfy(*command, "set-success-group", group, "fine")
    assert "failure target group set to fine" in cfy(*command, "set-failure-group", group, "fine")
    assert "has been sent" in cfy(*command, "cancel", group, "--kill")
    for id in manager.client.execution_groups.get(group)["execution_ids"]:
        manager.end(id)
    assert manager.client.execution_groups.get(group)["status"] == "cancelled"
    assert "400" in cfy(*command, "cancel", group, code=1)
    assert "has been sent" in cfy(*command, "resume", group)
    manager.client.execution_groups.cancel(group, "kill")
