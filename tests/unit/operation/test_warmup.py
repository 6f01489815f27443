"""The operation that warms a zygote up leaves nothing behind but warm code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cloudwright

SOURCE = str(Path(cloudwright.__file__).parents[1])

WATCHED = """
import logging, sys, threading
sys.path.insert(0, sys.argv[1])
from cloudwright.compat import operation_preload
from cloudwright.operation import warmup
from cloudwright.child.current import current_ctx
from cloudwright.child.errors import NotInContext

path, modules, loggers = list(sys.path), set(sys.modules), set(logging.Logger.manager.loggerDict)
warmup.warm_up()
assert sys.path == path
new = {name for name in set(sys.modules) - modules if not name.startswith("cloudify")}
assert not new, new
assert set(logging.Logger.manager.loggerDict) == loggers
assert not [name for name in sys.path_importer_cache if name.endswith("warmup_plugin")]
assert threading.active_count() == 1
try:
    current_ctx.get_ctx()
except NotInContext:
    print("no trace")
"""

BROKEN = """
import sys
sys.path.insert(0, sys.argv[1])
from cloudwright.compat import operation_preload
from cloudwright.operation import warmup
warmup._BEGIN["operation"]["mapping"] = "cloudwright_warmup.missing"
warmup.warm_up()
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program, SOURCE], capture_output=True, text=True, timeout=60)


def test_warming_up_leaves_no_trace() -> None:
    done = run(WATCHED)
    assert (done.returncode, done.stdout) == (0, "no trace\n"), done.stderr


def test_warming_up_that_fails_says_why() -> None:
    done = run(BROKEN)
    assert done.returncode == 1
    assert "no operation can run in this environment" in done.stderr
    assert "has no `missing`" in done.stderr
