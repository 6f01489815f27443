from __future__ import annotations

import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from served_api import BLUEPRINT, Api, archive

from cloudwright.api import uploads
from cloudwright.bus import topics


def upload(api: Api, content: bytes, **params: Any) -> Any:
    """As the command line sends it."""
    id = api.unique("blueprint")
    form: dict[str, Any] = {"params": (None, json.dumps({"visibility": "tenant", **params}))}
    answer = api.http.put(
        f"/blueprints/{id}", files={**form, "blueprint_archive": ("filename", content, "text/plain")}
    )
    return id, answer


def test_a_form(api: Api) -> None:
    labels = [{"key": "Env", "value": "test"}, {"key": "site", "value": ["a", "b"]}]
    id, answer = upload(api, archive(BLUEPRINT), labels=labels, visibility="private", skip_execution=False)
    assert answer.status_code == 201
    made = answer.json()
    got = api.get(f"/blueprints/{id}")
    assert made.pop("warnings") == got["plan"]["warnings"] == []
    assert {**made, "plan": got["plan"]} == got
    assert (made["id"], made["state"], made["error"], made["visibility"]) == (id, "uploaded", None, "private")
    assert (made["created_by"], made["tenant_name"]) == ("admin", "default_tenant")
    assert made["description"] == "Two nodes, one in the other."
    assert [node["type"] for node in got["plan"]["nodes"]] == [
        "cloudify.nodes.Compute",
        "cloudify.nodes.Root",
    ]
    assert got["plan"]["nodes"][0]["properties"]["ip"] == "10.0.0.1"
    assert [(label["key"], label["value"]) for label in made["labels"]] == [
        ("env", "test"), ("site", "a"), ("site", "b"), ("team", "red"),
    ]  # fmt: skip
    assert made["created_at"].endswith("Z")
    assert len(made["created_at"]) == len("2030-06-01T12:00:00.000Z")


@pytest.mark.parametrize("chunked", [False, True])
def test_the_bytes_alone(api: Api, chunked: bool) -> None:
    content = archive(BLUEPRINT, "my blueprint.yaml")
    sent = (content[at : at + 100] for at in range(0, len(content), 100)) if chunked else content
    id = api.unique("blueprint")
    params = {"application_file_name": quote("my blueprint.yaml"), "visibility": "tenant"}
    answer = api.http.put(f"/blueprints/{id}", content=sent, params=params)
    assert answer.status_code == 201
    assert answer.json()["main_file_name"] == "my blueprint.yaml"


def test_in_the_background(api: Api) -> None:
    """The command line follows an upload by its execution, whose events say how it ended."""
    subscription = api.manager.bus.subscribe("blueprint.>")
    api.do(subscription.__aenter__())
    id, answer = upload(api, archive(BLUEPRINT), async_upload=True)
    assert answer.status_code == 201
    assert answer.json()["state"] == "uploading"
    execution_id = answer.json()["upload_execution"]["id"]
    told = {"state": None}
    while told != {"state": "uploaded"}:
        where, told = api.do(subscription.get())
        assert where == topics.blueprint("default_tenant", id)
    api.do(subscription.__aexit__(None, None, None))

    execution = api.get(f"/executions/{execution_id}")
    assert (execution["workflow_id"], execution["status"], execution["error"]) == (
        "upload_blueprint", "terminated", None,
    )  # fmt: skip
    assert (execution["blueprint_id"], execution["is_resumable"]) == (id, False)
    [listed] = api.items("/executions", blueprint_id=id)
    assert listed == execution
    assert [event["event_type"] for event in api.items("/events", execution_id=execution_id)] == [
        "workflow_started", "workflow_succeeded",
    ]  # fmt: skip
    for action in ("cancel", "resume"):
        api.refused(
            "POST", f"/executions/{execution_id}", 400, "illegal_action_error", json={"action": action}
        )
    api.refused("GET", "/executions/upload_blueprint:none", 404, "not_found_error")


WRONG = """tosca_definitions_version: cloudify_dsl_1_3
node_templates:
  a:
    type: no.such.type
"""


def test_a_blueprint_that_is_wrong_is_told_by_file_and_line(api: Api) -> None:
    id, answer = upload(api, archive(WRONG))
    body = answer.json()
    assert (answer.status_code, body["error_code"]) == (400, "invalid_blueprint_error")
    assert "blueprint.yaml:4:" in body["message"]
    assert body["problems"][0]["line"] == 4
    kept = api.get(f"/blueprints/{id}")
    assert kept["state"] == "invalid"
    assert "blueprint.yaml:4:" in kept["error"]
    [execution] = api.items("/executions", blueprint_id=id)
    assert (execution["id"], execution["status"]) == (kept["upload_execution"]["id"], "failed")
    assert "blueprint.yaml:4:" in execution["error"]
    assert not execution["is_resumable"]
    api.refused(
        "POST", f"/executions/{execution['id']}", 400, "illegal_action_error", json={"action": "resume"}
    )

    _, answer = upload(api, archive(BLUEPRINT))
    assert answer.status_code == 201


def test_an_unsafe_archive_names_its_member(api: Api) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../../etc/cron.d/evil"))
    _, answer = upload(api, packed.getvalue())
    assert answer.status_code == 400
    assert "../../etc/cron.d/evil" in answer.json()["message"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"params": (None, "{}")}, "no file `blueprint_archive`"),
        ({"params": (None, "{"), "blueprint_archive": ("x", b"x")}, "params"),
        ({"params": (None, "[]"), "blueprint_archive": ("x", b"x")}, "params"),
        ({"params": (None, '{"labels": 1}'), "blueprint_archive": ("x", b"x")}, "params"),
        ({"params": (None, '{"labels": [{}]}'), "blueprint_archive": ("x", b"x")}, "label"),
        ({"params": (None, '{"labels": [{"a": 1}]}'), "blueprint_archive": ("x", b"x")}, "label"),
        ({"params": (None, '{"blueprint_archive_url": "http://x/y.zip"}')}, "download"),
        ({"params": (None, '{"visibility": "all"}'), "blueprint_archive": ("x", b"x")}, "visibility"),
        ({"a": ("x", b"x"), "b": ("x", b"x")}, "files"),
        ({"blueprint_archive": ("x", b"no archive")}, "not an archive"),
    ],
)
def test_forms_that_are_wrong(api: Api, files: Any, said: str) -> None:
    message = api.refused("PUT", f"/blueprints/{api.unique('b')}", 400, "bad_parameters_error", files=files)
    assert said.lower() in message.lower()
    assert list(api.manager.blueprints.incoming.iterdir()) == []


def test_a_url_is_refused(api: Api) -> None:
    params = {"blueprint_archive_url": "https://example.org/a.zip"}
    message = api.refused("PUT", "/blueprints/x", 400, "bad_parameters_error", params=params)
    assert "https://example.org/a.zip" in message


def test_validating(api: Api) -> None:
    id = api.unique("blueprint")
    form: dict[str, Any] = {"params": (None, "{}"), "blueprint_archive": ("x", archive(BLUEPRINT))}
    assert api.http.put(f"/blueprints/{id}/validate", files=form).status_code == 201
    assert api.http.put(f"/blueprints/{id}/validate?warnings=true", files=form).json() == {"warnings": []}
    twice = archive(BLUEPRINT + "metadata: {a: 1, a: 2}\n")
    (warning,) = upload(api, twice)[1].json()["warnings"]
    assert (warning["file"], "`a` is in this mapping twice" in warning["message"]) == ("blueprint.yaml", True)
    form["blueprint_archive"] = ("x", twice)
    answer = api.http.put(f"/blueprints/{id}/validate?warnings=true", files=form)
    assert (answer.status_code, answer.json()) == (200, {"warnings": [warning]})
    form["blueprint_archive"] = ("x", archive(WRONG))
    message = api.refused("PUT", f"/blueprints/{id}/validate", 400, "invalid_blueprint_error", files=form)
    assert "blueprint.yaml:4:" in message
    api.refused("GET", f"/blueprints/{id}", 404, "not_found_error")


def test_ids(api: Api) -> None:
    for id in ("..%2Fx", ".x", "a%20b", "x" * 300):
        answer = api.http.put(f"/blueprints/{id}", content=archive(BLUEPRINT))
        assert answer.status_code in (400, 404)
    id = api.blueprint()
    api.refused("PUT", f"/blueprints/{id}", 409, "conflict_error", content=archive(BLUEPRINT))


def test_lists(api: Api) -> None:
    ids = sorted(api.blueprint() for _ in range(3))
    found = api.get("/blueprints", id=ids, _sort="-id", _size=2, _offset=1, _include="id,state")
    assert found == {
        "items": [{"id": ids[1], "state": "uploaded"}, {"id": ids[0], "state": "uploaded"}],
        "metadata": {"pagination": {"total": 3, "size": 2, "offset": 1}, "filtered": None},
    }
    assert "plan" not in api.items("/blueprints", id=ids)[0]
    assert api.items("/blueprints", id=ids, _include="plan")[0]["plan"]["nodes"]
    assert [item["id"] for item in api.items("/blueprints", _search=ids[0].upper())] == [ids[0]]
    everything = api.get("/blueprints", _get_all_results="true", id=",".join(ids))
    assert everything["metadata"]["pagination"] == {"total": 3, "size": 3, "offset": 0}
    assert len(api.items("/blueprints", id=ids, _all_tenants="True", _sort=["created_at", "id"])) == 3


def test_download(api: Api) -> None:
    id = api.unique("blueprint")
    content = archive(BLUEPRINT)
    api.http.put(f"/blueprints/{id}", content=content)
    answer = api.http.get(f"/blueprints/{id}/archive")
    assert answer.content == content
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{id}.tar.gz"'
    api.refused("GET", "/blueprints/none/archive", 404, "not_found_error")


@pytest.mark.parametrize("count", [0, 1, 50, 51])
def test_a_plan_is_whole_however_many_nodes_it_has(api: Api, count: int) -> None:
    nodes = "".join(f"  node{number}: {{ type: cloudify.nodes.Root }}\n" for number in range(count))
    text = (
        "tosca_definitions_version: cloudify_dsl_1_3\nimports: [cloudify/types/types.yaml]\nnode_templates:\n"
    )
    id = api.blueprint(text + nodes if count else text.replace("node_templates:\n", ""))
    got = api.get(f"/blueprints/{id}", _include="plan")
    assert list(got) == ["plan"]
    assert len(got["plan"]["nodes"]) == count
    assert got["plan"] == api.items("/blueprints", id=id, _include="plan")[0]["plan"]
    assert "shared" not in got["plan"]
    assert api.get(f"/blueprints/{id}", _include="id") == {"id": id}


def test_labels(api: Api) -> None:
    id = api.blueprint()
    changed = api.http.patch(f"/blueprints/{id}", json={"labels": [{"a": "b"}, {"c": ["d", "e"]}]}).json()
    assert [(label["key"], label["value"]) for label in changed["labels"]] == [
        ("a", "b"),
        ("c", "d"),
        ("c", "e"),
    ]
    api.refused("PATCH", "/blueprints/none", 404, "not_found_error", json={"labels": []})


def test_delete(api: Api) -> None:
    id = api.blueprint()
    deployment = api.deployment(id)
    message = api.refused("DELETE", f"/blueprints/{id}", 400, "dependent_exists_error")
    assert deployment in message
    assert api.http.delete(f"/deployments/{deployment}").status_code == 204
    assert api.http.delete(f"/blueprints/{id}", params={"force": "False"}).status_code == 204
    api.refused("GET", f"/blueprints/{id}", 404, "not_found_error")


@pytest.mark.parametrize("form", [True, False])
def test_an_upload_to_a_full_disk(api: Api, monkeypatch: pytest.MonkeyPatch, form: bool) -> None:
    with monkeypatch.context() as patch:
        # A file of which the kernel says that there is no space left.
        patch.setattr(uploads, "_create", lambda path: io.FileIO("/dev/full", "w"))
        if form:
            id, answer = upload(api, archive(BLUEPRINT))
        else:
            id = api.unique("blueprint")
            answer = api.http.put(f"/blueprints/{id}", content=archive(BLUEPRINT))
    assert (answer.status_code, answer.json()["error_code"]) == (507, "insufficient_storage_error")
    assert "disk is full" in answer.json()["message"]
    assert api.http.get(f"/blueprints/{id}").status_code == 404


def test_of_two_uploads_of_one_id_at_once_one_is_stored(api: Api) -> None:
    id = api.unique("twice")
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: api.http.put(f"/blueprints/{id}", content=archive(BLUEPRINT)), range(4))
        )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert [row["id"] for row in api.items("/blueprints") if row["id"] == id] == [id]
    assert api.http.get(f"/blueprints/{id}/archive").status_code == 200
    api.deployment(id)
