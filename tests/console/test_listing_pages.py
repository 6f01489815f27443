"""The lists of a tenant's plugins, agents, schedules, groups and secrets: what they show and what they do."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import httpx
import pytest
from agent_site import running_site
from console_page import Console
from manager_process import ManagerProcess
from playwright.sync_api import Browser, Page, expect

PLUGIN = """
plugins:
  greeter: {executor: central_deployment_agent, package_name: greeter, package_version: '1.2'}
"""
SETUP = "from setuptools import setup\nsetup(name='greeter', version='1.2', py_modules=['greeter'])\n"


def _ask(manager: ManagerProcess, method: str, path: str, **body: object) -> None:
    target = manager.client.target
    response = httpx.request(
        method,
        f"{target.url}/api/v3.1{path}",
        json=body,
        headers={"Authentication-Token": str(target.token)},
        timeout=60,
    )
    response.raise_for_status()


def _delete(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Delete … {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()


def test_a_secret_is_created_and_deleted_and_its_value_is_on_no_page(
    console: Console, manager: ManagerProcess
) -> None:
    page = console.open("secrets")
    for key, said in (("no/key", "cannot be the id of a secret"), ("db_password", "is created")):
        form = page.locator("#create")
        if not form.get_by_label("Key").is_visible():
            form.locator("summary").click()
        form.get_by_label("Key").fill(key)
        form.get_by_label("Value").fill("very secret\nin two lines")
        form.get_by_label("Hide it from everybody").check()
        form.get_by_role("button", name="Create a secret").click()
        expect(page.locator("main")).to_contain_text(said)
    row = page.locator("#secrets-db_password")
    expect(row).to_contain_text("yes")
    assert "very secret" not in page.content()
    assert manager.client.secrets.get("db_password")["value"] == "very secret\nin two lines"
    _delete(page, "db_password")
    expect(page.locator("main > .notice")).to_have_text("Secret `db_password` is deleted.")
    expect(row).to_have_count(0)


def test_a_plugin_is_uploaded_and_deleted(console: Console, manager: ManagerProcess) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in (("plugin.yaml", PLUGIN), ("setup.py", SETUP), ("greeter.py", "")):
            archive.writestr(f"greeter/{name}", text)
    page = console.open("plugins")
    form = page.locator("#upload")
    for content, said in ((b"no archive", "archive"), (file.getvalue(), "The plugin is uploaded.")):
        if not form.get_by_label("Archive").is_visible():
            form.locator("summary").click()
        form.get_by_label("Archive").set_input_files(
            {"name": "greeter.zip", "mimeType": "application/zip", "buffer": content}
        )
        form.get_by_role("button", name="Upload a plugin").click()
        expect(page.locator("main")).to_contain_text(said)
    row = page.get_by_role("row", name="greeter")
    expect(row).to_contain_text("1.2")
    (plugin,) = manager.client.plugins.list().items
    _delete(page, plugin["id"])
    expect(page.locator("main > .notice")).to_have_text("The plugin is deleted.")
    expect(row).to_have_count(0)


def test_schedules_and_groups_are_listed_with_links(console: Console, manager: ManagerProcess) -> None:
    deployment = manager.deploy()
    _ask(
        manager,
        "PUT",
        f"/execution-schedules/nightly?deployment_id={deployment}",
        workflow_id="check_status",
        since="2050-01-01T02:00",
        recurrence="1 days",
    )
    _ask(manager, "PUT", "/deployment-groups/all-of-them", deployment_ids=[deployment])
    page = console.open("")
    expect(page.get_by_role("region", name="Comes next")).to_contain_text("check_status")
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Schedules").click()
    row = page.locator("#schedules-nightly")
    expect(row).to_contain_text("2050-01-01")
    expect(row).to_contain_text("waiting")
    page.get_by_text("More", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Secrets")).to_be_hidden()
    page = console.open("groups")
    expect(page.locator("#groups-all-of-them")).to_contain_text("1")
    page.get_by_label("Search").fill("nothing like it")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No group matches.")).to_be_visible()
    console.open("schedules").get_by_role("link", name=deployment).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(deployment)


@pytest.mark.thorough
def test_an_agent_that_cannot_be_reached_waits_for_somebody(browser: Browser, tmp_path: Path) -> None:
    with running_site(tmp_path) as site:
        site.agent.start()
        console = Console(browser, site.manager).sign_in()
        row = f"#agents-{site.agent.name}"
        expect(console.open("agents").locator(row)).to_contain_text("connected")
        site.agent.kill9()
        site.await_state("unreachable")
        page = console.open("")
        expect(page.locator(f"#agent-{site.agent.name}")).to_contain_text("agent unreachable")
        expect(console.open("agents").locator(row)).to_contain_text("unreachable")
        _delete(page, site.agent.name)
        expect(page.locator("main > .notice")).to_contain_text("is deleted")
        console.close()
