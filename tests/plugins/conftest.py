"""Real plugins of Cloudify, unchanged: `make plugins` installs what they need, and runs these tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# They take minutes and a registry: `make test` is without them.
collect_ignore_glob = [] if os.environ.get("PLUGINS") else ["test_*.py"]

# The manager's process is started as the integration tests do.
sys.path.append(str(Path(__file__).parents[1] / "integration"))
