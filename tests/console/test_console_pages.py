"""All pages: reachable, usable by everybody, in light, dark and narrow, with keys, and without JavaScript."""

from __future__ import annotations

import re
from typing import Any

import pytest
from console_page import NARROW, Console, status_of
from manager_process import ManagerProcess
from playwright.sync_api import Browser, expect


@pytest.fixture(scope="module")
def execution(manager: ManagerProcess) -> str:
    """One that failed, so that its page has everything."""
    id = manager.run("chain", steps=2, kwargs={"fail": "never"})
    manager.end(id)
    return id


@pytest.mark.parametrize(
    "context",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"color_scheme": "light", "viewport": NARROW}],
    ids=["light", "dark", "narrow"],
)
def test_every_page_is_accessible_and_fits(
    browser: Browser, manager: ManagerProcess, execution: str, context: dict[str, Any]
) -> None:
    console = Console(browser, manager, **context)
    console.page.goto(f"{console.root}/console/sign-in")
    assert console.violations() == []
    console.sign_in()
    paths = (
        "",
        "executions",
        f"executions/{execution}",
        "executions/unknown",
        "deployments",
        "deployments/sleeper1",
        "deployments/sleeper1/start/chain",
        "blueprints",
        "blueprints/sleeper",
        "blueprints/sleeper/deploy",
        *("plugins", "agents", "schedules", "groups", "secrets"),
        *("users", "user-groups", "tenants", "audit", "switch"),
    )
    for path in paths:
        page = console.open(path)
        assert console.violations() == [], path
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider == 0, path
    console.close()


def test_everything_works_without_javascript(browser: Browser, manager: ManagerProcess) -> None:
    id = manager.run("ignoring", steps=0, gate=str(manager.home / "no-gate"))
    manager.event(id, "at the gate")
    console = Console(browser, manager, java_script_enabled=False).sign_in()
    page = console.open("executions")
    page.get_by_label("Workflow", exact=True).fill("ignoring")
    page.get_by_role("button", name="Filter").click()
    page.locator(f"#row-{id}").get_by_role("link").click()
    expect(status_of(page)).to_contain_text("started")
    page.get_by_role("button", name="Kill").click()
    expect(page.locator(".notice").first).to_contain_text("The request to kill is stored.")
    manager.end(id)
    page.reload()
    expect(status_of(page)).to_contain_text("cancelled")
    expect(page.locator(".notice")).to_have_count(0)
    console.close()


def test_filters_are_in_the_address_and_an_unknown_one_is_refused(
    console: Console, manager: ManagerProcess, execution: str
) -> None:
    page = console.open("executions")
    page.get_by_role("link", name="Failed", exact=True).click()
    expect(page).to_have_url(re.compile("status=failed"))
    expect(page.locator(f"#row-{execution}")).to_be_visible()
    page.get_by_label("Search").fill(execution)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"status=failed.*_search={execution}"))
    expect(page.locator("tbody tr")).to_have_count(1)
    page.go_back()
    expect(page).not_to_have_url(re.compile("_search"))
    refused = page.request.get(console.url("executions?status=nonsense"))
    assert refused.status == 400
    assert "is not a status" in refused.text()


def test_the_list_is_live_and_rows_stay_under_the_pointer(console: Console, manager: ManagerProcess) -> None:
    deployment = manager.deploy()
    with console.page.expect_response(re.compile("/executions/rows")):
        page = console.open("executions?workflow_id=chain")
    page.mouse.move(0, 0)
    first = manager.run("chain", deployment, steps=0)
    expect(page.locator(f"#row-{first}")).to_contain_text("completed")
    page.locator(f"#row-{first}").hover()
    second = manager.run("chain", deployment, steps=0)
    expect(page.locator(".waiting")).to_have_text("1 new")
    expect(page.locator(f"#row-{second}")).to_have_count(0)
    page.locator(".waiting").click()
    expect(page.locator(f"#row-{second}")).to_be_visible()


def test_keys(console: Console, execution: str) -> None:
    page = console.open("executions")
    page.keyboard.press("/")
    expect(page.get_by_label("Search")).to_be_focused()
    page.get_by_label("Search").blur()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page = console.open(f"executions/{execution}")
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page).to_have_url(re.compile("/executions$"))


def test_what_is_opened_stays_open_while_the_page_changes(console: Console, manager: ManagerProcess) -> None:
    id = manager.run("ignoring", steps=0, gate=str(manager.home / "no-gate"))
    page = console.open_execution(id)
    page.get_by_text("Parameters").click()
    page.locator("#act-kill").focus()
    manager.cancel(id)
    expect(status_of(page)).to_contain_text("cancelling")
    expect(page.locator("#parameters pre")).to_be_visible()
    expect(page.locator("#act-kill")).to_be_focused()
    manager.cancel(id, "kill")
    expect(status_of(page)).to_contain_text("cancelled")
