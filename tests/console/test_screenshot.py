"""The pictures of the README and of the page about the console."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from console_page import Console, action, status_of
from manager_process import ManagerProcess
from playwright.sync_api import Browser, Page, expect

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def _keep(page: Page, otherwise: Path, name: str) -> None:
    """Take a picture; `make screenshots` keeps it, otherwise it is made and thrown away."""
    folder = IMAGES if os.environ.get("SCREENSHOTS") else otherwise
    file = folder / f"{name}.png"
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)
    page.screenshot(path=file)
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_shows_what_still_runs(
    browser: Browser, manager: ManagerProcess, tmp_path: Path, scheme: str
) -> None:
    manager.event_log.write_text("")
    id = manager.run("chain", steps=6, seconds=1.5)
    console = Console(browser, manager, color_scheme=scheme, viewport={"width": 1200, "height": 840})
    page = console.sign_in().open_execution(id)
    manager.await_logged("start", "step2")
    action(page, "Cancel").click()
    expect(status_of(page)).to_contain_text("1 still running")
    expect(page.locator(".timeline rect.seg.residual")).to_have_count(1)
    expect(page.locator(".timeline line.mark.over").first).to_be_attached()
    _keep(page, tmp_path, f"console-{scheme}")
    manager.cancel(id, "kill")
    expect(status_of(page)).not_to_contain_text("still running")
    console.close()


@pytest.mark.thorough
def test_pictures_of_the_overview_and_of_many(
    browser: Browser, manager: ManagerProcess, tmp_path: Path
) -> None:
    """An overview in which something waits for somebody, and a request for many executions."""
    failed = manager.run("chain", steps=2, kwargs={"fail": "never"})
    manager.end(failed)
    manager.event_log.write_text("")
    left = manager.run("chain", steps=2, seconds=600)
    manager.await_logged("start", "step0")
    manager.cancel(left)
    manager.end(left)
    held = [manager.run("ignoring", steps=0, gate=str(manager.home / "no-gate")) for _ in range(3)]
    for id in held:
        manager.event(id, "at the gate")
    console = Console(browser, manager, color_scheme="light", viewport={"width": 1200, "height": 640})
    page = console.sign_in().page
    expect(page.locator(f"#residual-{left}")).to_be_visible()
    expect(page.get_by_role("region", name="Runs now").locator("li")).to_have_count(3)
    _keep(page, tmp_path, "console-overview")
    console.open("executions")
    for id in (*held, left, failed):
        page.locator(f"#pick-{id}").check()
    page.get_by_role("button", name="Kill …", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kill 5 executions?")
    _keep(page, tmp_path, "console-many")
    page.get_by_role("button", name="Kill 4", exact=True).click()
    expect(page.locator(".notice")).to_contain_text("4 requested, 1 over already.")
    for id in held:
        assert manager.end(id)["status"] == "cancelled"
    console.close()
