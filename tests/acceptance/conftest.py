from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The laboratory of the integration tests runs the manager here too.
sys.path.append(str(Path(__file__).parents[1] / "integration"))

from peer import Cfy

from lab import Lab, running_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab"), kill_grace=1, task_retry_interval=0.1) as running:
        yield running


@pytest.fixture(scope="module")
def credentials(lab: Lab) -> dict[str, str]:
    told: dict[str, str] = json.loads((lab.home / "credentials.json").read_text())
    return told


@pytest.fixture(scope="module")
def cfy(credentials: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Cfy:
    """Logged in."""
    cfy = Cfy(tmp_path_factory.mktemp("cfy") / "home")
    cfy.use(credentials)
    return cfy
