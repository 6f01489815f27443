"""The first page: what waits for somebody, what runs and what failed, as it changes."""

from __future__ import annotations

import re

from console_page import Console, status_of
from manager_process import ManagerProcess
from playwright.sync_api import Page, expect


def _number(page: Page, name: str) -> int:
    text = (
        page.locator(".numbers a").filter(has_text=re.compile(rf"{name}\s*$")).locator("strong").inner_text()
    )
    return int(text.replace(",", ""))


def test_what_runs_failed_and_was_left_running_is_there_and_leads_on(
    console: Console, manager: ManagerProcess
) -> None:
    with console.page.expect_response(re.compile("/live$")):
        page = console.open("")
    before = {name: _number(page, name) for name in ("Running", "Failed in a day", "Left running")}
    failed = manager.run("chain", steps=1, kwargs={"fail": "never"})
    manager.end(failed)
    manager.event_log.write_text("")
    left = manager.run("chain", steps=1, seconds=600)
    manager.await_logged("start", "step0")
    runs = page.get_by_role("region", name="Runs now")
    expect(runs.locator(f"#runs-{left}")).to_contain_text("0 of 1 operations done")
    expect(page.get_by_role("region", name="Failed lately").locator(f"#failed-{failed}")).to_contain_text(
        "this cannot work"
    )
    assert _number(page, "Running") == before["Running"] + 1
    assert _number(page, "Failed in a day") == before["Failed in a day"] + 1

    manager.cancel(left)
    waits = page.get_by_role("region", name="Waits for somebody")
    expect(waits.locator(f"#residual-{left}")).to_contain_text("1 still running")
    expect(runs.locator(f"#runs-{left}")).to_have_count(0)
    page.get_by_role("link", name="Left running").click()
    expect(page.locator(f"#row-{left}")).to_contain_text("1 still running")
    assert page.locator("tbody tr").count() == before["Left running"] + 1
    page.go_back()
    waits.locator(f"#residual-{left}").get_by_role("link").click()
    expect(status_of(page)).to_contain_text("cancelled")
    console.open("")
    manager.cancel(left, "kill")
    expect(waits.locator(f"#residual-{left}")).to_have_count(0)
