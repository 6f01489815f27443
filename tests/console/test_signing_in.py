"""Signing in, out, by a link, and what ends a session."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from console_page import Console, status_of
from manager_process import ManagerProcess
from playwright.sync_api import Browser, expect


@pytest.fixture
def visitor(browser: Browser, manager: ManagerProcess):  # type: ignore[no-untyped-def]
    """A browser that is not signed in."""
    opened = Console(browser, manager)
    yield opened
    opened.close()


def _password(manager: ManagerProcess) -> str:
    return str(json.loads((manager.home / "credentials.json").read_text())["password"])


def test_signing_in_leads_to_the_page_that_was_asked_for(visitor: Console, manager: ManagerProcess) -> None:
    page = visitor.open("executions?workflow_id=install")
    expect(page).to_have_title(re.compile("Sign in"))
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The user name or the password is wrong")
    expect(page.get_by_label("User name")).to_have_value("admin")
    page.get_by_label("Password").fill(_password(manager))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/executions\?workflow_id=install$"))
    (cookie,) = [each for each in visitor.context.cookies() if "session" in each["name"]]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert cookie["path"] == "/console"
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title(re.compile("Sign in"))
    # The value is worth nothing any more, wherever it was copied to.
    copied = httpx.get(visitor.url("executions"), cookies={cookie["name"]: cookie["value"]})
    assert copied.status_code == 303
    assert "/sign-in" in copied.headers["location"]


def test_a_link_opens_one_session(visitor: Console, manager: ManagerProcess) -> None:
    address = visitor.root + manager.client.console_links.create()["path"]
    visitor.page.goto(address)
    expect(visitor.page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    second = httpx.get(address)
    assert second.status_code == 401
    assert "opened before" in second.text


def test_a_session_is_no_token_and_a_token_no_session(console: Console, manager: ManagerProcess) -> None:
    (cookie,) = console.context.cookies()
    api = f"{console.root}/api/v3.1/executions"
    assert httpx.get(api, headers={"Authentication-Token": f"cwt-{cookie['value']}"}).status_code == 401
    token = str(manager.client.target.token)
    pages = httpx.get(console.url("executions"), cookies={cookie["name"]: token.removeprefix("cwt-")})
    assert pages.status_code == 303


def test_a_form_of_another_site_or_without_its_token_does_nothing(
    console: Console, manager: ManagerProcess
) -> None:
    id = manager.run("ignoring", steps=0, gate=str(manager.home / "no-gate"))
    manager.event(id, "at the gate")
    (cookie,) = console.context.cookies()
    cookies = {cookie["name"]: cookie["value"]}
    act = console.url(f"executions/{id}/act")
    forged = httpx.post(act, data={"action": "kill"}, cookies=cookies)
    assert forged.status_code == 403
    assert "not from this session" in forged.text
    page = console.open(f"executions/{id}")
    token = page.locator("input[name=csrf]").first.get_attribute("value")
    foreign = httpx.post(
        act,
        data={"action": "kill", "csrf": token},
        cookies=cookies,
        headers={"Origin": "https://evil.example"},
    )
    assert foreign.status_code == 403
    assert manager.status(id) == "started"
    manager.cancel(id, "kill")
    manager.end(id)


def test_a_session_that_is_revoked_ends_on_the_open_page(console: Console, manager: ManagerProcess) -> None:
    id = manager.run("ignoring", steps=0, gate=str(manager.home / "no-gate"))
    page = console.open_execution(id)
    expect(status_of(page)).to_contain_text("started")
    sessions = [
        token
        for token in manager.client.tokens.list().items
        if token["description"] == "session of the console"
    ]
    for session in sessions:
        manager.client.tokens.delete(session["id"])
    said = page.locator("#connection")
    expect(said).to_contain_text("Your session has ended")
    # What was known stays, and there is no page to sign in inside of it.
    expect(status_of(page)).to_contain_text("started")
    expect(page.get_by_label("Password")).to_have_count(0)
    with page.context.expect_page() as opened:
        said.get_by_role("link", name="Sign in again").click()
    other = opened.value
    other.get_by_label("User name").fill("admin")
    other.get_by_label("Password").fill(_password(manager))
    other.get_by_role("button", name="Sign in").click()
    expect(other).to_have_url(re.compile(id))
    other.close()
    page.bring_to_front()
    expect(said).to_be_hidden()
    manager.cancel(id, "kill")
    expect(status_of(page)).to_contain_text("cancelled")


@pytest.mark.parametrize(
    "next", ["https://evil.example/", "//evil.example/console/", "/api/v3.1/status", "/console\\@evil"]
)
def test_signing_in_never_leads_elsewhere(console: Console, manager: ManagerProcess, next: str) -> None:
    link = console.root + manager.client.console_links.create()["path"]
    response = httpx.get(link, params={**httpx.URL(link).params, "next": next})
    assert response.headers["location"] == "/console/"
