from __future__ import annotations

import sys
from pathlib import Path

# The host in miniature lives with the tests of what it hosts.
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))
