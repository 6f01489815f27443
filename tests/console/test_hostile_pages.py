"""Hostile names, descriptions, labels and values on every page, and addresses that are no text."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import httpx
import pytest
from console_page import Console
from manager_process import ManagerProcess
from playwright.sync_api import expect

SCRIPT = "<script>window.taken=1</script><img src=x onerror=window.taken=1>"
HOSTILE = f"{SCRIPT} <b>bold</b> \u202egnihton\u2066 \x1b[31mred {{{{ 7*7 }}}} https://evil.example/x"
SHOWN = "<script>window.taken=1</script><img src=x onerror=window.taken=1> <b>bold</b> U+202Egnihton"
BLUEPRINT = """
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
description: &text "{text}"
inputs: {{colour: {{description: *text, default: *text}}}}
labels: {{csys-obj-type: {{values: [aws]}}}}
node_templates:
  one: {{type: cloudify.nodes.Root, properties: {{}}}}
outputs: {{said: {{description: *text, value: {{get_input: colour}}}}}}
"""


@pytest.fixture(scope="module")
def hostile(manager: ManagerProcess) -> str:
    """A deployment whose every text is hostile."""
    client, target = manager.client, manager.client.target
    quoted = HOSTILE.replace("\\", "\\\\").replace('"', '\\"').replace("\x1b", "\\e")
    text = BLUEPRINT.format(text=quoted).encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("h/blueprint.yaml")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    archive.seek(0)
    client.blueprints.upload("hostile", archive, main_file="blueprint.yaml")

    def ask(method: str, path: str, body: dict[str, Any]) -> None:
        httpx.request(
            method,
            f"{target.url}/api/v3.1{path}",
            json=body,
            headers={"Authentication-Token": str(target.token)},
            timeout=60,
        ).raise_for_status()

    labels = [{"owner": f"<i>{SCRIPT}</i>"}]
    ask(
        "PUT",
        "/deployments/hostile",
        {
            "blueprint_id": "hostile",
            "display_name": SCRIPT,
            "inputs": {"colour": HOSTILE * 2000},
            "labels": labels,
        },
    )
    ask("PUT", "/deployment-groups/hostile", {"description": HOSTILE, "deployment_ids": ["hostile"]})
    ask("PUT", "/secrets/hostile", {"value": HOSTILE})
    manager.end(manager.run("install", "hostile"))
    return "hostile"


def test_no_text_is_markup_on_any_page(console: Console, manager: ManagerProcess, hostile: str) -> None:
    requests: list[str] = []
    page = console.page
    page.on("request", lambda request: requests.append(request.url))
    shown = {
        "": None,
        "executions": None,
        "deployments": SCRIPT,
        f"deployments/{hostile}": SCRIPT,
        f"deployments/{hostile}/start/install": None,
        "blueprints": SHOWN,
        f"blueprints/{hostile}": SHOWN,
        f"blueprints/{hostile}/deploy": SHOWN,
        "groups": SHOWN,
        "secrets": None,
        "audit": None,
        "users": None,
    }
    for path, text in shown.items():
        console.open(path)
        main = page.locator("main")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if text is not None:
            expect(main).to_contain_text(text)
        assert main.locator("script, img, b, i, iframe").count() == 0, path
        assert page.evaluate("window.taken") is None, path
        assert "49" not in main.locator(".sentence").all_inner_texts(), path
        assert len(page.content()) < 400_000, path
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider == 0, path
    assert [url for url in requests if not url.startswith(console.root)] == []
    console.open(f"deployments/{hostile}")
    page.get_by_text("Inputs").click()
    expect(page.locator("#values-Inputs")).to_contain_text("The first 16 kB of")


@pytest.mark.parametrize(
    "path",
    [
        "executions?_search=%ff%fe&workflow_id=%00",
        "executions/%ff%fe",
        "executions/%00",
        "executions?older_than=nothing",
        "executions?status=%ED%A0%80",
        "deployments?page=99999999999999999999",
        "deployments?page=-1",
        "deployments/%ED%A0%80",
        "blueprints/%2e%2e%2fsecrets",
        "blueprints?page=%E2%91%A0",
        "secrets?_search=%25%5F%5C",
        "audit?page=9999999",
        "executions/x/log/%E2%91%A0",
        "executions/x/log/99999999999999999999999",
        "users/rows?_search=%22%3E%3Cscript%3E",
    ],
)
def test_an_address_that_is_no_text_or_no_number_is_no_failure(console: Console, path: str) -> None:
    response = console.page.request.get(console.url(path))
    assert response.status in (200, 400, 404), response.text()
    assert "<script>" not in response.text().split("<main", 1)[-1]


@pytest.mark.thorough
def test_forms_with_anything_in_them_are_no_failure(console: Console) -> None:
    page = console.open("secrets")
    token = str(page.locator("input[name=csrf]").first.get_attribute("value"))
    for path in ("secrets/create", "secrets/act", "plugins/upload", "users/create", "tenants/add-user"):
        for value in (
            "\0",
            "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
            "x" * 100_000,
            SCRIPT,
        ):
            names = ("id", "action", "key", "value", "visibility", "username", "password", "role", "archive")
            response = page.request.post(
                console.url(path), form={"csrf": token, **dict.fromkeys(names, value)}
            )
            assert response.status in (200, 400, 404, 409, 422), (path, value[:20], response.text()[:2000])
            assert "<script>" not in response.text().split("<main", 1)[-1]


def test_a_place_in_the_timeline_that_is_no_number_is_the_first(
    console: Console, manager: ManagerProcess
) -> None:
    id = manager.run("chain", steps=1)
    manager.end(id)
    for bars in ("nonsense", "%E2%91%A0", "-1", "99999999999999999999"):
        page = console.open(f"executions/{id}?bars={bars}")
        expect(page.get_by_role("region", name="Timeline").get_by_role("listitem")).to_have_count(1)
