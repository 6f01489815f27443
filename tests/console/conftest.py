from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# the manager of the integration tests runs the manager here too.
sys.path.append(str(Path(__file__).parents[1] / "integration"))

from console_page import Console
from manager_process import ManagerProcess, running_manager
from playwright.sync_api import Browser, sync_playwright


# Not for the session: while it is open an event loop runs in this thread, and no other test can have one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "these tests need Debian's Chromium: `make chromium` installs it"
    with sync_playwright() as playwright:
        # The pages of the tests are the manager's own, and root may not have a sandbox.
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagerProcess]:
    with running_manager(
        tmp_path_factory.mktemp("manager"), kill_grace=1, task_retry_interval=0.1
    ) as running:
        yield running


@pytest.fixture
def console(browser: Browser, manager: ManagerProcess) -> Iterator[Console]:
    """A browser that is signed in as the administrator."""
    opened = Console(browser, manager).sign_in()
    yield opened
    opened.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`make console-tests` runs everything; `make test` leaves out what differs little from the rest."""
    if os.environ.get("CONSOLE") == "all":
        return
    left_out = [item for item in items if item.get_closest_marker("thorough")]
    items[:] = [item for item in items if item not in set(left_out)]
    config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A test that fails shows what the page and the manager said."""
    outcome: Any = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for fixture in getattr(item, "funcargs", {}).values():
        if isinstance(fixture, ManagerProcess):
            report.sections.append(("the manager's log", fixture.log()[-6000:]))
        if isinstance(fixture, Console) and not fixture.page.is_closed():
            report.sections.append(("the page", fixture.page.inner_text("body")[-6000:]))
