"""Users, groups, tenants and the audit log of Cloudify 7.0.5: its command line, and its REST client."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cloudify_client_env import CLOUDIFY_CFY, Cfy
from manager_process import ManagerProcess

HERE = Path(__file__).parent


def test_a_script_with_the_real_client(manager: ManagerProcess, credentials: dict[str, str]) -> None:
    port = credentials["url"].rpartition(":")[2]
    ran = subprocess.run(
        [
            str(CLOUDIFY_CFY.with_name("python")),
            "-W",
            "ignore",
            str(HERE / "accounts_script.py"),
            port,
            credentials["token"],
        ],
        env={"PATH": "/usr/bin:/bin", "HOME": str(manager.home)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "ok"), ran.stdout + ran.stderr


@pytest.mark.timeout(300)
def test_a_users_life(cfy: Cfy) -> None:
    cfy("tenants", "create", "lab")
    created = cfy("users", "create", "bob", "-p", "a password", "-t", "lab", "-l", "viewer")
    assert "`bob` added successfully to tenant `lab` with `viewer` role" in created
    rows = {row["username"]: row for row in json.loads(cfy("users", "list", "--json", "--get-data"))}
    assert "viewer" in str(rows["bob"]["user_tenants"])
    cfy("users", "deactivate", "bob")
    assert "already inactive" in cfy("users", "deactivate", "bob")
    assert "users:bob" in cfy("auditlog", "list")
