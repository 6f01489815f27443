"""The rehearsal of an operation in its zygote leaves nothing behind but warm code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cloudwright

SOURCE = str(Path(cloudwright.__file__).parents[1])

WATCHED = """
import logging, sys, threading
sys.path.insert(0, sys.argv[1])
from cloudwright.operation import rehearsal
from cloudwright.operation.current import current_ctx
from cloudwright.operation.errors import NotInContext

path, modules, loggers = list(sys.path), set(sys.modules), set(logging.Logger.manager.loggerDict)
rehearsal.rehearse()
assert sys.path == path
new = {name for name in set(sys.modules) - modules if not name.startswith("cloudify")}
assert not new, new
assert set(logging.Logger.manager.loggerDict) == loggers
assert not [name for name in sys.path_importer_cache if name.endswith("stage")]
assert threading.active_count() == 1
try:
    current_ctx.get_ctx()
except NotInContext:
    print("no trace")
"""

BROKEN = """
import sys
sys.path.insert(0, sys.argv[1])
from cloudwright.operation import rehearsal
rehearsal._BEGIN["operation"]["mapping"] = "cloudwright_rehearsal.missing"
rehearsal.rehearse()
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program, SOURCE], capture_output=True, text=True, timeout=60)


def test_a_rehearsal_leaves_no_trace() -> None:
    done = run(WATCHED)
    assert (done.returncode, done.stdout) == (0, "no trace\n"), done.stderr


def test_a_rehearsal_that_fails_says_why() -> None:
    done = run(BROKEN)
    assert done.returncode == 1
    assert "no operation can run in this environment" in done.stderr
    assert "has no `missing`" in done.stderr
