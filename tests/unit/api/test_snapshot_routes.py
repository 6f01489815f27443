"""Snapshots through the API: made, sent around, refused, restored."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served_api import Api, served


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """One of its own: a snapshot is of everything."""
    with served(tmp_path) as running:
        yield running


def ended(api: Api, execution: dict[str, Any]) -> dict[str, Any]:
    """Wait for the end of what is done with a snapshot."""
    found = execution
    while found["status"] == "started":
        found = api.get(f"/executions/{execution['id']}")
    return found


def make(api: Api, id: str = "s1") -> bytes:
    execution = api.put(f"/snapshots/{id}", {})
    assert execution["workflow_id"] == "create_snapshot"
    done = ended(api, execution)
    assert (done["status"], done["error"]) == ("terminated", None)
    assert api.get(f"/snapshots/{id}")["status"] == "created"
    return api.http.get(f"/snapshots/{id}/archive").content


def upload(api: Api, id: str, content: bytes) -> Any:
    return api.http.put(f"/snapshots/{id}/archive", content=content)


def changed(content: bytes, **manifest: Any) -> bytes:
    """The snapshot with another manifest."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "manifest.json":
                data = json.dumps(json.loads(data) | manifest).encode()
            new.writestr(name, data)
    return made.getvalue()


def test_a_snapshots_life(api: Api) -> None:
    deployment = api.deployment()
    api.put("/secrets/word", {"value": "sesame"})
    content = make(api)
    assert b"sesame" not in content
    assert [row["id"] for row in api.items("/snapshots", _sort="-id")] == ["s1"]
    api.refused("PUT", "/snapshots/s1", 409, "conflict_error", json={})
    assert upload(api, "copy", content).status_code == 201
    api.http.delete("/snapshots/s1").raise_for_status()
    api.refused("GET", "/snapshots/s1/archive", 404, "not_found_error")

    later = api.deployment()
    api.http.delete("/secrets/word").raise_for_status()
    said = api.refused("POST", "/snapshots/copy/restore", 400, "illegal_action_error", json={})
    assert "force" in said
    execution = api.post("/snapshots/copy/restore", {"force": True})
    done = ended(api, execution)
    assert (done["workflow_id"], done["status"], done["error"]) == ("restore_snapshot", "terminated", None)
    assert api.get("/snapshot-status") == {"status": "not-running"}
    assert [row["id"] for row in api.items("/deployments")] == [deployment]
    assert api.get("/secrets/word")["value"] == "sesame"
    blueprint = api.get(f"/deployments/{deployment}")["blueprint_id"]
    assert api.http.get(f"/blueprints/{blueprint}/archive").is_success
    assert list((api.manager.home / "blueprints").rglob("blueprint.yaml"))
    assert later not in [row["id"] for row in api.items("/deployments")]


def test_files_that_are_refused(api: Api) -> None:
    api.deployment()
    content = make(api)
    for wrong, said in (
        (b"", "not a snapshot"),
        (b"hello", "not a snapshot"),
        (content[: len(content) // 2], "cut off"),
        (changed(content, format=2), "newer version"),
        (changed(content, revision="9999"), "newer version"),
        (changed(content, revision="0001"), "older version"),
        (changed(content, tables={}), "tables that its version has"),
        (changed(content, artifacts=["a" * 64]), "cut off or damaged"),
    ):
        response = upload(api, "wrong", wrong)
        assert (response.status_code, response.json()["error_code"]) == (400, "invalid_snapshot_error")
        assert said in response.json()["message"], response.text
    flipped = json.loads(zipfile.ZipFile(io.BytesIO(content)).read("manifest.json"))["tables"]
    response = upload(api, "wrong", changed(content, tables=flipped | {"deployments": "0" * 64}))
    assert "damaged" in response.json()["message"]
    assert [row["id"] for row in api.items("/snapshots")] == ["s1"]
    assert not list((api.manager.home / "snapshots" / "incoming").iterdir())


def test_a_key_that_is_missing_is_named(api: Api) -> None:
    content = changed(make(api), keys=["deadbeef"])
    assert upload(api, "foreign", content).is_success
    said = api.refused(
        "POST", "/snapshots/foreign/restore", 400, "illegal_action_error", json={"force": True}
    )
    assert "deadbeef" in said


def test_what_is_refused(api: Api) -> None:
    make(api)
    api.execution()
    said = api.refused("PUT", "/snapshots/s2", 400, "existing_running_execution_error", json={})
    assert "Executions run" in said
    body = {"force": True}
    api.refused("POST", "/snapshots/s1/restore", 400, "existing_running_execution_error", json=body)
    api.refused("POST", "/snapshots/no/restore", 404, "not_found_error", json={})
    api.refused("GET", "/snapshots/no", 404, "not_found_error")
    api.refused("PUT", "/snapshots/a b", 400, "bad_parameters_error", json={})
    api.refused("PUT", "/snapshots/x/archive?snapshot_archive_url=http://x", 400, "bad_parameters_error")
    api.refused("GET", "/snapshots?_sort=colour", 400, "bad_parameters_error")
