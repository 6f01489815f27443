"""A manager that falls silent, dies and comes back while a page is open: the page says so, and recovers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from console_page import Console, action, status_of
from manager_process import ManagerProcess, running_manager
from playwright.sync_api import Browser, expect


@pytest.fixture
def own_manager(tmp_path: Path) -> Iterator[ManagerProcess]:
    """A manager of the test's own, to be killed; it comes back at the same address."""
    with running_manager(tmp_path, kill_grace=1) as running:
        running.port = urlsplit(running.client.target.url).port or 0
        yield running


def test_a_killed_manager_is_said_and_the_page_recovers(
    browser: Browser, own_manager: ManagerProcess
) -> None:
    console = Console(browser, own_manager).sign_in()
    id = own_manager.run("ignoring", steps=0, gate=str(own_manager.home / "no-gate"))
    own_manager.event(id, "at the gate")
    page = console.open_execution(id)
    expect(status_of(page)).to_contain_text("started")
    own_manager.kill9()
    said = page.locator("#connection")
    expect(said).to_contain_text("No connection to the manager. All that is shown is as of")
    expect(page.locator("body")).to_have_class("stale")
    counting = page.locator("[data-since]").first
    shown = counting.inner_text()
    # What is pressed now is not known to have happened, and the page says just that.
    action(page, "Cancel").click()
    expect(page.locator("main > .notice")).to_contain_text("It is not known whether it received this")
    assert counting.inner_text() == shown
    own_manager.restart()
    expect(said).to_be_hidden()
    expect(page.locator("body")).not_to_have_class("stale")
    # The session is stored: the same page goes on.
    action(page, "Cancel").click()
    expect(status_of(page)).to_contain_text("cancelling")
    own_manager.cancel(id, "kill")
    expect(status_of(page)).to_contain_text("cancelled")
    console.close()


def test_a_silent_manager_does_not_look_alive(browser: Browser, own_manager: ManagerProcess) -> None:
    console = Console(browser, own_manager).sign_in()
    console.page.clock.install()
    id = own_manager.run("ignoring", steps=0, gate=str(own_manager.home / "no-gate"))
    own_manager.event(id, "at the gate")
    page = console.open_execution(id)
    expect(status_of(page)).to_contain_text("started")
    process = own_manager.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        page.clock.run_for(25_000)
        expect(page.locator("#connection")).to_contain_text("No connection to the manager")
        shown = page.locator("[data-since]").first.inner_text()
        page.clock.run_for(30_000)
        assert page.locator("[data-since]").first.inner_text() == shown
    finally:
        process.send_signal(signal.SIGCONT)
    page.clock.resume()
    expect(page.locator("#connection")).to_be_hidden()
    own_manager.cancel(id, "kill")
    expect(status_of(page)).to_contain_text("cancelled")
    console.close()


def test_a_manager_that_is_stopped_does_not_wait_for_open_pages(
    browser: Browser, own_manager: ManagerProcess
) -> None:
    consoles = [Console(browser, own_manager).sign_in() for _ in range(3)]
    for console in consoles:
        with console.page.expect_response(lambda response: "rows" in response.url):
            console.open("executions")
    own_manager.stop()
    expect(consoles[0].page.locator("#connection")).to_contain_text("No connection to the manager")
    for console in consoles:
        console.close()
    own_manager.restart()
