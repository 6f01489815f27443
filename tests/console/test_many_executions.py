"""Many executions at once: exactly those that were counted, told for each, nothing done twice."""

from __future__ import annotations

import pytest
from console_page import NARROW, WIDE, Console, status_of
from manager_process import ManagerProcess
from playwright.sync_api import Browser, Page, expect


def _held(manager: ManagerProcess, deployment: str | None = None) -> str:
    """Start a workflow that waits, whatever it is asked."""
    id = manager.run("ignoring", deployment, steps=0, gate=str(manager.home / "no-gate"))
    manager.event(id, "at the gate")
    return id


def _choose(page: Page, *ids: str) -> None:
    for id in ids:
        page.locator(f"#pick-{id}").check()


def _press(page: Page, name: str) -> None:
    page.get_by_role("group", name="Act on many").get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({"viewport": WIDE}, id="wide"),
        pytest.param({"viewport": WIDE, "java_script_enabled": False}, id="without JavaScript"),
        pytest.param({"viewport": NARROW}, id="narrow", marks=pytest.mark.thorough),
    ],
)
def test_exactly_the_selected_are_killed_and_each_is_told(
    browser: Browser, manager: ManagerProcess, context: dict[str, object]
) -> None:
    first, second, spared = (_held(manager) for _ in range(3))
    over = manager.run("chain", steps=0)
    manager.end(over)
    console = Console(browser, manager, **context).sign_in()
    page = console.open("executions")
    _choose(page, first, second, over)
    _press(page, "Kill …")
    expect(page.get_by_role("heading", level=1)).to_have_text("Kill 3 executions?")
    effects = page.get_by_role("region", name="What it will do")
    expect(effects).to_contain_text("2 running: their workflows and operations are ended")
    expect(effects).to_contain_text("1 over already: nothing is done")
    if context.get("java_script_enabled", True):
        assert console.violations() == []
    assert manager.status(first) == "started"
    page.get_by_role("button", name="Kill 2", exact=True).click()
    expect(page.locator(".notice")).to_contain_text("2 requested, 1 over already.")
    expect(page.locator(f"#done-{first}")).to_contain_text("the request is stored")
    expect(page.locator(f"#done-{first}")).to_contain_text("kill by admin at")
    expect(page.locator(f"#done-{over}")).to_contain_text("it was over already, and nothing of it ran")
    assert manager.end(first)["status"] == manager.end(second)["status"] == "cancelled"
    assert manager.status(spared) == "started"
    manager.cancel(spared, "kill")
    manager.end(spared)
    # The same form once more does nothing more.
    page.reload()
    expect(page.locator(".notice")).to_contain_text("3 over already.")
    console.close()


def test_what_begins_to_match_after_the_count_is_not_touched(
    console: Console, manager: ManagerProcess
) -> None:
    deployment = manager.deploy()
    counted = _held(manager, deployment)
    page = console.open(f"executions?deployment_id={deployment}&status=started")
    page.get_by_text("All 1 that match").click()
    _press(page, "Force all that match …")
    region = page.get_by_role("region", name="What it will do")
    expect(region).to_contain_text(f"deployment: {deployment}")
    manager.client.executions.start("chain", deployment, force=True, parameters={"steps": 0})
    late = manager.client.executions.start(
        "ignoring", deployment, force=True, parameters={"steps": 0, "gate": str(manager.home / "no-gate")}
    )["id"]
    page.get_by_role("button", name="Force 1", exact=True).click()
    expect(page.locator(".notice")).to_contain_text("1 requested.")
    assert manager.end(counted)["status"] == "cancelled"
    assert manager.status(late) in ("pending", "started")
    manager.cancel(late, "kill")
    manager.end(late)


def test_a_set_that_is_empty_missing_or_old_is_refused(console: Console, manager: ManagerProcess) -> None:
    id = _held(manager)
    page = console.open("executions")
    expect(page.get_by_text("that match")).to_have_count(0)
    _press(page, "Kill …")
    expect(page.locator("main")).to_contain_text("No execution is selected")
    token = page.locator("input[name=csrf]").first.get_attribute("value")
    assert token is not None
    many = console.url("executions/many")
    forms: list[tuple[str, dict[str, str]]] = [
        (many, {"matching": "kill", "filters": ""}),
        (many, {"matching": "kill", "filters": "nonsense=1"}),
        (many, {"matching": "kill", "filters": "status=nonsense"}),
        (many, {"action": "resume", "id": id}),
        (f"{many}/act", {"action": "kill", "ids": id}),
        (f"{many}/act", {"action": "kill", "ids": "", "counted": "2030-01-01T00:00:00+00:00"}),
        (f"{many}/act", {"action": "kill", "ids": id, "counted": "2020-01-01T00:00:00+00:00"}),
    ]
    for address, form in forms:
        response = page.request.post(address, form={"csrf": token, **form})
        assert response.status in (400, 409), form
    assert manager.status(id) == "started"
    manager.cancel(id, "kill")
    manager.end(id)


def test_two_people_who_cancel_at_once_are_both_told_the_truth(
    browser: Browser, manager: ManagerProcess
) -> None:
    id = _held(manager)
    consoles = [Console(browser, manager).sign_in() for _ in range(2)]
    for console in consoles:
        page = console.open("executions")
        _choose(page, id)
        _press(page, "Cancel …")
        expect(page.get_by_role("button", name="Cancel 1", exact=True)).to_be_visible()
    stored = []
    for console in consoles:
        console.page.get_by_role("button", name="Cancel 1", exact=True).click()
        expect(console.page.locator(f"#done-{id}")).to_be_visible()
        stored.append(manager.client.executions.get(id)["cancel_requested_at"])
    expect(consoles[0].page.locator(f"#done-{id}")).to_contain_text("the request is stored")
    refused = consoles[1].page.locator(f"#done-{id}")
    expect(refused).to_contain_text("that was asked already")
    expect(refused).to_contain_text("cancel by admin at")
    assert stored[0] is not None
    assert stored[0] == stored[1]
    manager.cancel(id, "kill")
    manager.end(id)
    for console in consoles:
        console.close()


def test_a_selection_survives_changes_of_the_list(console: Console, manager: ManagerProcess) -> None:
    id = _held(manager)
    with console.page.expect_response(lambda response: "/rows" in response.url):
        page = console.open("executions")
    _choose(page, id)
    expect(page.locator("#selected")).to_have_text("1 selected:")
    new = manager.run("chain", steps=0)
    expect(page.locator(".waiting")).to_contain_text("new")
    assert page.locator(f"#row-{new}").count() == 0
    expect(page.locator(f"#pick-{id}")).to_be_checked()
    manager.cancel(id)
    expect(page.locator(f"#row-{id}")).to_contain_text("cancelling")
    expect(page.locator(f"#pick-{id}")).to_be_checked()
    page.locator(f"#row-{id}").get_by_role("link").click()
    expect(status_of(page)).to_contain_text("cancelling")
    manager.cancel(id, "kill")
    manager.end(id)
