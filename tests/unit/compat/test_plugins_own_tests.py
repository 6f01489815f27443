"""A plugin's own unit tests, written for Cloudify, run without a manager."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PLUGIN = Path(__file__).parents[2] / "fixtures" / "tested_plugin"
RUN = """\
import sys, unittest
from cloudwright.compat import finder
finder.install()
sys.path.insert(0, sys.argv[1])
unittest.main(module=None, argv=["unittest", "discover", "-v", "-s", sys.argv[1] + "/tests"])
"""


def test_they_pass(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-c", RUN, str(PLUGIN)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 6 tests" in done.stderr
    assert list(tmp_path.iterdir()) == []
