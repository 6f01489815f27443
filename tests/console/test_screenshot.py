"""The picture of the README: an execution that was cancelled, and an operation that still runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from console_page import Console, action, status_of
from manager_process import ManagerProcess
from playwright.sync_api import Browser, expect

IMAGES = Path(__file__).parents[2] / "docs" / "images"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_shows_what_still_runs(
    browser: Browser, manager: ManagerProcess, tmp_path: Path, scheme: str
) -> None:
    """`make screenshots` keeps it; otherwise it is made and thrown away."""
    manager.event_log.write_text("")
    id = manager.run("chain", steps=6, seconds=1.5)
    console = Console(browser, manager, color_scheme=scheme, viewport={"width": 1200, "height": 840})
    page = console.sign_in().open_execution(id)
    manager.await_logged("start", "step2")
    action(page, "Cancel").click()
    expect(status_of(page)).to_contain_text("1 still running")
    expect(page.locator(".timeline rect.seg.residual")).to_have_count(1)
    expect(page.locator(".timeline line.mark.over").first).to_be_attached()
    folder = IMAGES if os.environ.get("SCREENSHOTS") else tmp_path
    file = folder / f"console-{scheme}.png"
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)
    page.screenshot(path=file)
    assert file.read_bytes().startswith(b"\x89PNG")
    manager.cancel(id, "kill")
    expect(status_of(page)).not_to_contain_text("still running")
    console.close()
