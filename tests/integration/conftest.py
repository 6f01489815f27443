from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from manager_process import ManagerProcess, running_manager


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagerProcess]:
    """One manager for all tests of a module; each test uses deployments of its own."""
    with running_manager(
        tmp_path_factory.mktemp("manager"), kill_grace=1, task_retry_interval=0.1
    ) as running:
        yield running


@pytest.fixture
def event_log(manager: ManagerProcess) -> Path:
    manager.event_log.write_text("")
    return manager.event_log


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A test that fails shows what the manager said meanwhile."""
    outcome = yield
    report = outcome.get_result()
    for fixture in getattr(item, "funcargs", {}).values():
        if report.failed and isinstance(fixture, ManagerProcess):
            report.sections.append(("the manager's log", fixture.log()[-6000:]))
