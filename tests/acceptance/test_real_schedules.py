"""The schedules of Cloudify 7.0.5: its command line, and a script around its REST client."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cloudify_client_env import CLOUDIFY_CFY, Cfy
from manager_process import ManagerProcess

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def deployment(manager: ManagerProcess) -> str:
    return manager.deploy()


def test_a_script_with_the_real_client(
    manager: ManagerProcess, credentials: dict[str, str], deployment: str
) -> None:
    port = credentials["url"].rpartition(":")[2]
    script = [str(HERE / "schedules_script.py"), port, credentials["token"], deployment]
    ran = subprocess.run(
        [str(CLOUDIFY_CFY.with_name("python")), "-W", "ignore", *script],
        env={"PATH": "/usr/bin:/bin", "HOME": str(manager.home)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "ok"), ran.stdout + ran.stderr


@pytest.mark.timeout(300)
def test_a_schedules_life(cfy: Cfy, manager: ManagerProcess, deployment: str) -> None:
    command = ("deployments", "schedule")
    said = cfy(
        *command, "create", deployment, "install", "-s", "2030-01-01 10:00", "--tz", "Europe/Rome", "-r", "1d"
    )
    assert "Deployment schedule created successfully" in said
    cfy(*command, "create", deployment, "install", "-n", "other", "-s", "+2 weeks", "--rrule", "FREQ=DAILY")
    # It warns first that two of its own options have the same letter.
    said = cfy(*command, "list", deployment, "--json")
    listed = {row["id"]: row for row in json.loads(said[said.index("[") :])}
    assert set(listed) == {"install", "other"}
    assert listed["install"]["next_occurrence"] == "2030-01-01T09:00:00.000Z"
    assert "Showing 1 of 2" in cfy(*command, "list", deployment, "-u", "+3 weeks")
    cfy(*command, "update", deployment, "install", "-c", "2", "--slip", "3", "--stop-on-fail")
    said = cfy(*command, "get", deployment, "install", "--preview", "1")
    assert "Computed 2 upcoming occurrences. Listing first 1:" in said
    assert "2030-01-01 09:00:00" in said
    assert "disabled successfully" in cfy(*command, "disable", deployment, "install")
    assert "already disabled" in cfy(*command, "disable", deployment, "install", code=1)
    assert "enabled successfully" in cfy(*command, "enable", deployment, "install")
    assert "in the past" in cfy(
        *command, "create", deployment, "install", "-n", "x", "-s", "2020-01-01 10:00", "-c", "1", code=1
    )

    # It begins in this minute, so it runs at once.
    cfy(*command, "create", deployment, "chain", "-n", "now", "-s", "+0min", "-c", "1", "-p", "steps=1")
    found = manager.client.execution_schedules.of_deployment(deployment, "now")
    manager.event(str(found["latest_execution_id"]), "execution_scheduled")
    for id in ("install", "other", "now"):
        assert "deleted successfully" in cfy(*command, "delete", deployment, id)
