from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Lab, running_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One manager for all tests of a module; each test uses deployments of its own."""
    with running_lab(tmp_path_factory.mktemp("lab"), kill_grace=1, task_retry_interval=0.1) as running:
        yield running


@pytest.fixture
def tape(lab: Lab) -> Path:
    lab.tape.write_text("")
    return lab.tape


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A test that fails shows what the manager said meanwhile."""
    outcome = yield
    report = outcome.get_result()
    for fixture in getattr(item, "funcargs", {}).values():
        if report.failed and isinstance(fixture, Lab):
            report.sections.append(("the manager's log", fixture.log()[-6000:]))
