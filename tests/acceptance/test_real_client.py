"""Scripts around the REST client of Cloudify 7.0.5 go on working."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cloudify_client_env import CLOUDIFY_CFY
from manager_process import ManagerProcess

HERE = Path(__file__).parent


def test_a_script_with_the_real_client(manager: ManagerProcess, credentials: dict[str, str]) -> None:
    port = credentials["url"].rpartition(":")[2]
    script = [
        str(HERE / "client_script.py"),
        port,
        credentials["token"],
        str(HERE.parent / "fixtures" / "script_plugin" / "blueprint.yaml"),
    ]
    ran = subprocess.run(
        [str(CLOUDIFY_CFY.with_name("python")), "-W", "ignore", *script],
        env={"PATH": "/usr/bin:/bin", "HOME": str(manager.home)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "ok"), ran.stdout + ran.stderr
