"""Real plugins of Cloudify, unchanged: `make plugins` installs what they need, and runs these tests."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# They take minutes and a registry: `make test` is without them.
collect_ignore_glob = [] if os.environ.get("PLUGINS") else ["test_*.py"]

# The manager's process is started as the integration tests do.
sys.path.append(str(Path(__file__).parents[1] / "integration"))

from manager_process import running_manager  # noqa: E402 - found by the path above
from moto_server import Aws  # noqa: E402
from site_of_plugins import Site  # noqa: E402

from sshd import Sshd, running_sshd  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # Each starts dozens of processes of large libraries, and may have an environment to install.
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One manager for all tests: each plugin's environment is installed once."""
    folder = tmp_path_factory.mktemp("site")
    settings = {"task_retry_interval": 0.2, "task_retries": 10}
    with running_manager(folder, environment={"HOME": str(folder)}, **settings) as manager:
        yield Site(manager, folder)


@pytest.fixture(scope="session")
def aws(site: Site) -> Iterator[Aws]:
    stand_in = Aws()
    # The plugin drops an `endpoint_url`; its library reads one here.
    (site.folder / ".aws").mkdir()
    (site.folder / ".aws" / "config").write_text(f"[default]\nendpoint_url = {stand_in.url}\n")
    yield stand_in
    stand_in.close()


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """An id of its own for what a test makes."""
    return re.sub(r"\W+|_", "-", f"{request.module.__name__}-{request.node.name}").strip("-")
