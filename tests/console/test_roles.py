"""Three roles in browsers: what one may not do is not there, and is refused; a lost role is noticed."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from console_page import Console, action, status_of
from manager_process import ManagerProcess
from playwright.sync_api import Browser, expect

PASSWORD = "a long password"
ROLES = ("viewer", "operations", "user")


def _ask(manager: ManagerProcess, method: str, path: str, **body: object) -> None:
    target = manager.client.target
    httpx.request(
        method,
        f"{target.url}/api/v3.1{path}",
        json=body,
        headers={"Authentication-Token": str(target.token)},
        timeout=60,
    ).raise_for_status()


@pytest.fixture(scope="module", autouse=True)
def _users(manager: ManagerProcess) -> None:
    for role in ROLES:
        _ask(manager, "PUT", "/users", username=f"a-{role}", password=PASSWORD)
        _ask(manager, "PUT", "/tenants/users", username=f"a-{role}", tenant_name="default_tenant", role=role)


@pytest.fixture
def execution(manager: ManagerProcess) -> Iterator[str]:
    """One that runs until it is killed."""
    id = manager.run("ignoring", steps=0, gate=str(manager.home / "no-gate"))
    manager.event(id, "at the gate")
    yield id
    manager.cancel(id, "kill")
    manager.end(id)


def _signed_in(browser: Browser, manager: ManagerProcess, role: str) -> Console:
    console = Console(browser, manager)
    page = console.open("")
    page.get_by_label("User name").fill(f"a-{role}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    return console


@pytest.mark.parametrize(
    "role", ["viewer", *(pytest.param(role, marks=pytest.mark.thorough) for role in ROLES[1:])]
)
def test_what_a_role_may_not_do_is_not_offered_and_is_refused(
    browser: Browser, manager: ManagerProcess, execution: str, role: str
) -> None:
    may_run, may_upload = role != "viewer", role == "user"
    console = _signed_in(browser, manager, role)
    page = console.page
    for path, offer, allowed in (
        ("executions", page.get_by_role("group", name="Act on many"), may_run),
        (f"executions/{execution}", page.locator(".actions button"), may_run),
        ("deployments/sleeper1", page.get_by_text("Start a workflow"), may_run),
        ("blueprints/sleeper", page.get_by_role("link", name="Deploy …"), may_run),
        ("blueprints", page.get_by_text("Upload a blueprint"), may_upload),
        ("blueprints/sleeper", page.get_by_role("button", name="Delete …"), may_upload),
        ("secrets", page.locator("#create"), may_upload),
        ("plugins", page.locator("#upload"), may_upload),
    ):
        console.open(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert (offer.count() > 0) is allowed, path
    page.get_by_text("More", exact=True).click()
    for name in ("Users", "Tenants", "Audit log"):
        expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
    for path in ("users", "tenants", "audit", "user-groups"):
        assert page.request.get(console.url(path)).status == 403, path
    # Whoever sends the forms by hand gets no further.
    console.open("executions")
    token = str(page.locator("input[name=csrf]").first.get_attribute("value"))
    forms = {
        f"executions/{execution}/act": ({"action": "cancel"}, may_run),
        "secrets/create": ({"key": f"by-{role}", "value": "x", "visibility": "tenant"}, may_upload),
        "users/create": ({"username": "eve", "password": PASSWORD, "role": "sys_admin"}, False),
    }
    for path, (form, allowed) in forms.items():
        response = page.request.post(console.url(path), form={"csrf": token, **form})
        assert (response.status == 200) is allowed, (path, response.status)
        assert allowed or "You may not do this" in response.text(), path
    assert manager.status(execution) == ("cancelling" if may_run else "started")
    console.close()


def test_a_role_that_is_lost_takes_the_buttons_away_and_then_the_page(
    browser: Browser, manager: ManagerProcess, execution: str
) -> None:
    console = _signed_in(browser, manager, "operations")
    page = console.open_execution(execution)
    expect(action(page, "Cancel")).to_be_enabled()
    membership = {"username": "a-operations", "tenant_name": "default_tenant"}
    _ask(manager, "PATCH", "/tenants/users", **membership, role="viewer")
    # The open page hears of it, keeps what it shows, and offers no more than the new role may do.
    expect(action(page, "Cancel")).to_have_count(0)
    expect(status_of(page)).to_contain_text("started")
    expect(page.locator("#connection")).to_be_hidden()
    _ask(manager, "PATCH", "/tenants/users", **membership, role="operations")
    page.reload()
    expect(action(page, "Kill")).to_be_enabled()
    # One that knows of nothing is told at its click.
    page.route("**/live*", lambda route: route.abort())
    page.route("**/changes*", lambda route: route.abort())
    page.route("**/beat*", lambda route: route.abort())
    _ask(manager, "PATCH", "/tenants/users", **membership, role="viewer")
    action(page, "Cancel").click()
    expect(page.locator("main > .notice")).to_contain_text("permission")
    assert manager.status(execution) == "started"
    page.unroute_all()
    page.reload()
    httpx.request(
        "DELETE",
        f"{manager.client.target.url}/api/v3.1/tenants/users",
        json=membership,
        headers={"Authentication-Token": str(manager.client.target.token)},
    ).raise_for_status()
    expect(page.locator("#connection")).to_contain_text("You may not see this any more")
    expect(page.locator("body")).to_have_class("stale")
    expect(status_of(page)).to_contain_text("started")
    _ask(manager, "PUT", "/tenants/users", **membership, role="operations")
    page.reload()
    expect(action(page, "Cancel")).to_be_enabled()
    console.close()
