"""Blueprints: uploaded, looked at, deployed by a form of their inputs, deleted; and what is refused."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pytest
from console_page import Console, status_of
from manager_process import ManagerProcess
from playwright.sync_api import FilePayload, Page, expect

BLUEPRINT = """
tosca_definitions_version: cloudify_dsl_1_3
description: Two things, <b>one</b> on the other.
imports: [cloudify/types/types.yaml]
inputs:
  size:
    type: integer
    description: How many.
    default: 3
    constraints: [{in_range: [1, 9]}]
  colour:
    type: string
    constraints: [{valid_values: [red, green]}]
node_templates:
  below: {type: cloudify.nodes.Root}
  above:
    type: cloudify.nodes.Root
    relationships: [{type: cloudify.relationships.depends_on, target: below}]
outputs:
  chosen: {value: {get_input: colour}}
"""


def _archive(text: str) -> FilePayload:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("two/blueprint.yaml", text)
    return {"name": "two.zip", "mimeType": "application/zip", "buffer": file.getvalue()}


def _upload(page: Page, id: str, text: str) -> None:
    if not page.get_by_label("Archive").is_visible():
        page.get_by_text("Upload a blueprint").click()
    page.locator("#upload-id").fill(id)
    page.get_by_label("Archive").set_input_files(_archive(text))
    page.get_by_role("button", name="Upload", exact=True).click()


@pytest.fixture
def uploaded(console: Console, manager: ManagerProcess) -> Any:
    """The page of a blueprint that was uploaded by its form."""
    page = console.open("blueprints")
    _upload(page, "two-things", BLUEPRINT)
    expect(page.locator("main > .notice")).to_have_text("Blueprint `two-things` is uploaded.")
    yield page
    for deployment in manager.client.deployments.list(blueprint_id="two-things").items:
        manager.client.deployments.delete(deployment["id"], force=True)
    if "two-things" in {row["id"] for row in manager.client.blueprints.list().items}:
        manager.client.blueprints.delete("two-things")


def test_a_blueprint_is_uploaded_looked_at_and_deleted(console: Console, uploaded: Page) -> None:
    page = uploaded
    expect(page.locator(".sentence")).to_have_text("Two things, <b>one</b> on the other.")
    expect(page.locator("g.node")).to_have_count(2)
    expect(page.locator("path.edge")).to_have_count(1)
    expect(page.get_by_role("region", name="Inputs")).to_contain_text("in range [")
    page.get_by_text("Nodes as a list").click()
    expect(page.locator("#nodes")).to_contain_text("depends_on below")
    assert console.violations() == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert "two/blueprint.yaml" in archive.namelist()
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("main > .notice")).to_have_text("Blueprint `two-things` is deleted.")
    expect(page.get_by_role("link", name="two-things")).to_have_count(0)


def test_a_deployment_is_made_from_the_inputs_and_installed(uploaded: Page, manager: ManagerProcess) -> None:
    page = uploaded
    page.get_by_role("link", name="Deploy …").click()
    page.get_by_label("Deployment ID").fill("two/one")
    page.get_by_label("size").fill("12")
    page.get_by_label("colour").select_option("green")
    page.get_by_label("Install it at once").check()
    page.get_by_role("button", name="Deploy").click()
    # A refusal keeps what was entered.
    expect(page.get_by_role("alert")).to_contain_text("Nothing was created.")
    expect(page.get_by_label("size")).to_have_value("12")
    expect(page.get_by_label("colour")).to_have_value("green")
    expect(page.get_by_label("Install it at once")).to_be_checked()
    page.get_by_label("Deployment ID").fill("two-one")
    page.get_by_label("size").fill("5")
    page.get_by_role("button", name="Deploy").click()
    expect(page).to_have_url(re.compile("/executions/[0-9a-f-]{36}$"))
    expect(status_of(page)).to_contain_text("completed")
    assert manager.client.deployments.get("two-one")["inputs"] == {"size": 5, "colour": "green"}
    page.get_by_role("link", name="two-one").click()
    page.get_by_role("link", name="two-things").click()
    # A blueprint with a deployment stays, and the page says why.
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("main > .notice")).to_contain_text("two-one")
    page.get_by_role("link", name="Deployments of this blueprint").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    manager.end(manager.run("uninstall", "two-one"))


@pytest.mark.thorough
def test_what_the_manager_refuses_of_an_upload_is_said_above_the_form(
    console: Console, manager: ManagerProcess
) -> None:
    page = console.open("blueprints")
    _upload(page, "wrong", BLUEPRINT.replace("type: integer", "type: nonsense"))
    expect(page.get_by_role("alert")).to_contain_text("There is no type `nonsense`")
    expect(page.locator("#blueprint-wrong")).to_contain_text("failed")
    expect(page.locator("#upload-id")).to_have_value("wrong")
    token = page.locator("input[name=csrf]").first.get_attribute("value")
    assert token is not None
    large: FilePayload = {"name": "a.zip", "mimeType": "application/zip", "buffer": b"x" * (17 << 20)}
    refused = page.request.post(
        console.url("blueprints"), multipart={"csrf": token, "id": "large", "archive": large}
    )
    assert refused.status == 413
    assert "large" not in {row["id"] for row in manager.client.blueprints.list().items}
    _upload(page, "../up", BLUEPRINT)
    expect(page.get_by_role("alert")).to_contain_text("cannot be the id of a blueprint")
    manager.client.blueprints.delete("wrong")
