"""PostgreSQL for the benchmarks: the tests' own server, but one that survives a loss of power."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from postgres import PostgresServer


class DurableServer(PostgresServer):
    settings = ()
