from __future__ import annotations

import sys
from pathlib import Path

# The tests of the built-in workflows use the host in this folder too.
sys.path.insert(0, str(Path(__file__).parent))
