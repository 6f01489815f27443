"""The dependencies between deployments of Cloudify 7.0.5's REST client, used by a script."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cloudify_client_env import CLOUDIFY_CFY
from manager_process import ManagerProcess

SCRIPT = Path(__file__).parent / "dependencies_script.py"


def test_a_script_with_the_real_client(manager: ManagerProcess, credentials: dict[str, str]) -> None:
    port = credentials["url"].rpartition(":")[2]
    arguments = [str(SCRIPT), port, credentials["token"], manager.deploy(), manager.deploy()]
    ran = subprocess.run(
        [str(CLOUDIFY_CFY.with_name("python")), "-W", "ignore", *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": str(manager.home)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "ok"), ran.stdout + ran.stderr
