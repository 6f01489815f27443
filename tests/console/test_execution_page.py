"""The page of an execution, on executions that really run: what it says, and what its buttons do."""

from __future__ import annotations

import re

from console_page import Console, action, add_log, confirm, status_of
from manager_process import ManagerProcess, alive, await_death
from playwright.sync_api import Route, expect


def _running(manager: ManagerProcess, **more: object) -> tuple[str, str]:
    """Start a workflow whose operation hangs; returns its id and the operation's process."""
    manager.event_log.write_text("")
    id = manager.run("chain", steps=1, seconds=600, kwargs=more)
    return id, manager.await_logged("start", "step0")[-1]


def test_cancel_force_and_kill_by_clicks_say_what_is_stored_and_what_still_runs(
    console: Console, manager: ManagerProcess
) -> None:
    id, pid = _running(manager, ignore_sigterm=True)
    page = console.open_execution(id)
    expect(status_of(page)).to_contain_text("started")
    running = page.get_by_role("region", name="Running operations").first
    expect(running).to_contain_text("sleeper.act")
    expect(page.locator("#why-force-cancel")).to_contain_text("1 running operation keeps running")
    expect(action(page, "Resume")).to_be_disabled()
    place = action(page, "Kill").bounding_box()

    action(page, "Cancel").click()
    # The graph ends, its operation does not: the page never says less than that.
    expect(status_of(page)).to_contain_text("cancelled")
    expect(status_of(page)).to_contain_text("1 still running")
    expect(page.locator(".facts")).to_contain_text("Cancel requested by")
    expect(page.locator(".facts .asked")).to_contain_text("admin at")
    expect(page.get_by_text("Still running after the end")).to_be_visible()
    expect(page.locator("rect.seg.residual").first).to_be_attached()
    expect(action(page, "Force")).to_be_disabled()
    moved = action(page, "Kill").bounding_box()
    assert place is not None
    assert moved is not None
    assert (place["x"], place["width"]) == (moved["x"], moved["width"])
    assert alive(pid)

    confirm(page, "Kill")
    expect(page.get_by_text("Still running after the end")).to_have_count(0)
    expect(status_of(page)).not_to_contain_text("still running")
    await_death(pid)
    assert manager.status(id) == "cancelled"
    # It is drawn to its real end, past the end of the execution.
    assert page.locator("svg rect.seg.residual").count() >= 1


def test_force_ends_a_workflow_that_ignores_the_request(console: Console, manager: ManagerProcess) -> None:
    id = manager.run("ignoring", steps=0, gate=str(manager.home / "no-gate"))
    manager.event(id, "at the gate")
    page = console.open_execution(id)
    action(page, "Cancel").click()
    expect(status_of(page)).to_contain_text("cancelling")
    expect(page.locator(".sentence")).to_contain_text("decides itself")
    # What was pressed already says who did, and does nothing more.
    expect(page.locator("#why-cancel")).to_contain_text("Requested by admin at")
    expect(action(page, "Cancel")).to_be_disabled()
    confirm(page, "Force")
    expect(status_of(page)).to_contain_text("cancelled")
    assert manager.end(id)["status"] == "cancelled"


def test_a_click_is_not_lost_to_what_the_page_is_asking_for(
    console: Console, manager: ManagerProcess
) -> None:
    id = manager.run("ignoring", steps=0, gate=str(manager.home / "no-gate"))
    manager.event(id, "at the gate")
    page = console.open_execution(id)
    held: list[Route] = []
    page.route(re.compile("/live"), lambda route: held.append(route))
    # Two requests for the page's own state are under way and waiting when the button is pressed.
    page.evaluate("htmx.trigger('#execution', 'changed')")
    with page.expect_response(re.compile("/act$")):
        action(page, "Cancel").click()
        page.evaluate("htmx.trigger('#execution', 'changed')")
    assert manager.status(id) == "cancelling"
    page.unroute(re.compile("/live"))
    assert held
    manager.cancel(id, "kill")
    expect(status_of(page)).to_contain_text("cancelled")


def test_a_dialog_that_is_left_does_nothing(console: Console, manager: ManagerProcess) -> None:
    id, _ = _running(manager)
    page = console.open_execution(id)
    action(page, "Kill").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 running operation")
    dialog.get_by_role("button", name="Back").click()
    expect(dialog).to_have_count(0)
    assert manager.status(id) == "started"
    confirm(page, "Kill")
    expect(status_of(page)).to_contain_text("cancelled")


def test_what_somebody_else_was_first_with_is_said_and_is_no_error(
    console: Console, manager: ManagerProcess
) -> None:
    id = manager.run("ignoring", steps=0, gate=str(manager.home / "no-gate"))
    manager.event(id, "at the gate")
    # A page that knows nothing of the other's request.
    page = console.open(f"executions/{id}")
    page.route(re.compile("/live|/changes"), lambda route: route.abort())
    manager.cancel(id)
    action(page, "Cancel").click()
    expect(page.locator(".banner .notice")).to_contain_text("that was asked already")
    expect(page.locator("#why-cancel")).to_contain_text("Requested by admin at")
    manager.cancel(id, "kill")
    manager.end(id)


def test_a_cancelled_execution_is_resumed_by_a_click(console: Console, manager: ManagerProcess) -> None:
    id, _ = _running(manager)
    manager.cancel(id, "kill")
    manager.end(id)
    page = console.open_execution(id)
    expect(page.locator("#why-resume")).to_contain_text("not done again")
    action(page, "Resume").click()
    expect(status_of(page)).to_contain_text("started")
    expect(page.locator(".facts")).to_contain_text("Resumed")
    manager.cancel(id, "kill")
    expect(status_of(page)).to_contain_text("cancelled")


def test_why_it_failed_comes_first_and_the_traceback_on_request(
    console: Console, manager: ManagerProcess
) -> None:
    id = manager.run("chain", steps=1, kwargs={"fail": "never"})
    manager.end(id)
    page = console.open_execution(id)
    expect(status_of(page)).to_contain_text("failed")
    failure = page.get_by_role("region", name="Failed operations")
    expect(failure.locator(".cause").first).to_contain_text("this cannot work")
    expect(failure.locator("pre")).to_be_hidden()
    failure.get_by_text("Traceback", exact=True).click()
    expect(failure.locator("pre")).to_contain_text("NonRecoverableError")


def test_attempts_are_drawn_one_after_the_other(console: Console, manager: ManagerProcess) -> None:
    id = manager.run("chain", steps=1, kwargs={"fail": "retry"})
    assert manager.end(id)["status"] == "terminated"
    page = console.open_execution(id)
    bar = page.locator(".timeline .row:not(.axis) svg").first
    expect(bar.locator("rect.seg.run.failed")).to_have_count(2)
    expect(bar.locator("rect.seg.run.done")).to_have_count(1)
    expect(bar).to_have_attribute("aria-label", re.compile("attempt 1: failed.*attempt 3: succeeded"))


def test_events_and_logs_arrive_as_they_happen_and_can_be_narrowed(
    console: Console, manager: ManagerProcess
) -> None:
    id, _ = _running(manager)
    page = console.open_execution(id)
    lines = page.locator("#lines")
    expect(lines).to_contain_text("step0 sleeps for 600 s")
    add_log(manager, id, "a late word", "warning")
    expect(lines).to_contain_text("a late word")
    page.get_by_label("Show").select_option("warning")
    page.locator("#log").get_by_role("button", name="Filter").click()
    expect(page.locator("#lines .line")).to_have_count(1)
    assert "show=warning" in page.url
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as text").click()
    assert "a late word" in download.value.path().read_text()
    manager.cancel(id, "kill")
    expect(status_of(page)).to_contain_text("cancelled")
