"""Scripts around the REST client of Cloudify 7.0.5 go on working."""

from __future__ import annotations

import subprocess
from pathlib import Path

from peer import PEER

from lab import Lab

HERE = Path(__file__).parent


def test_a_script_with_the_real_client(lab: Lab, credentials: dict[str, str]) -> None:
    port = credentials["url"].rpartition(":")[2]
    script = [
        str(HERE / "client_script.py"),
        port,
        credentials["token"],
        str(HERE / "scripted" / "blueprint.yaml"),
    ]
    ran = subprocess.run(
        [str(PEER.with_name("python")), "-W", "ignore", *script],
        env={"PATH": "/usr/bin:/bin", "HOME": str(lab.home)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "ok"), ran.stdout + ran.stderr
