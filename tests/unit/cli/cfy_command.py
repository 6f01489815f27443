"""`cfy` as tests run it."""

from __future__ import annotations

import sys
from collections.abc import Callable

from click.testing import Result

#: Runs it in the test's process.
Run = Callable[..., Result]
#: The command line as its users start it.
CFY = [sys.executable, "-c", "from cloudwright.cli.main import main; main()"]
