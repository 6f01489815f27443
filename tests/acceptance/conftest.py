from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# the manager of the integration tests runs the manager here too.
sys.path.append(str(Path(__file__).parents[1] / "integration"))

from cloudify_client_env import Cfy
from manager_process import ManagerProcess, running_manager


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagerProcess]:
    with running_manager(
        tmp_path_factory.mktemp("manager"), kill_grace=1, task_retry_interval=0.1
    ) as running:
        yield running


@pytest.fixture(scope="module")
def credentials(manager: ManagerProcess) -> dict[str, str]:
    told: dict[str, str] = json.loads((manager.home / "credentials.json").read_text())
    return told


@pytest.fixture(scope="module")
def cfy(credentials: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Cfy:
    """Logged in."""
    cfy = Cfy(tmp_path_factory.mktemp("cfy") / "home")
    cfy.use(credentials)
    return cfy
