"""Deployments: their list, their topology as it changes, and workflows started by forms."""

from __future__ import annotations

import re

from console_page import Console, status_of
from manager_process import ManagerProcess
from playwright.sync_api import expect


def test_a_workflow_is_started_by_its_form(console: Console, manager: ManagerProcess) -> None:
    deployment = manager.deploy()
    page = console.open("deployments")
    page.locator(f"#deployment-{deployment}").get_by_role("link", name=deployment).click()
    page.get_by_text("Start a workflow").click()
    page.get_by_role("link", name="chain", exact=True).click()
    expect(page.get_by_label("steps")).to_have_value("3")
    page.get_by_label("steps").fill("2")
    page.get_by_label("kwargs").fill("{not JSON")
    page.get_by_role("button", name="Start chain").click()
    # Nothing is lost of what was entered.
    expect(page.get_by_role("alert")).to_contain_text("Nothing was started")
    expect(page.get_by_label("steps")).to_have_value("2")
    expect(page.get_by_label("kwargs")).to_have_value("{not JSON")
    page.get_by_label("kwargs").fill('{"fail": ""}')
    page.get_by_role("button", name="Start chain").click()
    expect(page).to_have_url(re.compile("/executions/[0-9a-f-]{36}$"))
    expect(status_of(page)).to_contain_text("completed")
    execution = manager.client.executions.get(page.url.rsplit("/", 1)[-1])
    assert execution["parameters"]["steps"] == 2
    assert execution["total_operations"] == 2
    page.get_by_role("link", name=deployment).click()
    expect(page).to_have_url(re.compile(f"/deployments/{deployment}$"))


def test_the_topology_shows_states_as_they_change(console: Console, manager: ManagerProcess) -> None:
    deployment = manager.deploy()
    with console.page.expect_response(re.compile("/live$")):
        page = console.open(f"deployments/{deployment}")
    others = page.locator("g.node", has_text="others")
    expect(others).to_contain_text("3 uninitialized")
    place = others.get_attribute("transform")
    id = manager.run("install", deployment)
    manager.end(id)
    expect(others).to_contain_text("3 started")
    assert others.get_attribute("transform") == place
    expect(page.locator("path.edge")).to_have_count(1)
    expect(page.locator(f"#row-{id}")).to_contain_text("completed")


def test_what_the_manager_refuses_is_said_above_the_form(console: Console, manager: ManagerProcess) -> None:
    deployment = manager.deploy()
    id = manager.run("ignoring", deployment, steps=0, gate=str(manager.home / "no-gate"))
    page = console.open(f"deployments/{deployment}/start/chain")
    page.get_by_role("button", name="Start chain").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was started.")
    refused = page.request.get(console.url(f"deployments/{deployment}/start/nothing"))
    assert refused.status == 404
    assert "has no workflow" in refused.text()
    manager.cancel(id, "kill")
    manager.end(id)
