"""Requests of operations and workflows, which have neither a socket nor credentials."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from served_api import Api

from cloudwright.api.app import create_app
from cloudwright.api.internal_client import InProcessClient
from cloudwright.errors import Forbidden, InvalidInput
from cloudwright.model.execution import Caller, CancelMode
from cloudwright.model.frames.methods import RestRequest
from cloudwright.storage import accounts


@pytest.fixture(scope="module")
def inside(api: Api) -> InProcessClient:
    return InProcessClient(create_app(api.manager), api.manager.accounts)  # type: ignore[arg-type]


def ask(
    api: Api, inside: InProcessClient, method: str, path: str, user: str | None = "admin", **more: Any
) -> Any:
    tenant, caller = more.pop("tenant", "default_tenant"), more.pop("caller", None)
    asked: RestRequest = {"method": method, "path": path} | more  # type: ignore[assignment]
    return api.do(inside.request(user, tenant, asked, caller=caller))


def test_an_answer(api: Api, inside: InProcessClient) -> None:
    deployment = api.deployment()
    params = {"deployment_id": [deployment], "_include": "node_id", "_sort": "node_id", "state": None}
    answer = ask(api, inside, "get", "/node-instances", params=params)
    assert answer["status"] == 200
    assert answer["body"]["items"] == [{"node_id": "app"}, {"node_id": "host"}]
    assert answer["body"] == api.get("/node-instances", **params)


def test_an_answer_that_is_made_piece_by_piece(api: Api, inside: InProcessClient) -> None:
    id = api.blueprint()
    assert ask(api, inside, "GET", f"/blueprints/{id}")["body"] == api.get(f"/blueprints/{id}")


def test_what_changes_something(api: Api, inside: InProcessClient) -> None:
    id = api.deployment()
    answer = ask(api, inside, "PATCH", f"/deployments/{id}", body={"labels": [{"a": "b"}]})
    assert (answer["status"], answer["body"]["labels"][0]["created_by"]) == (200, "admin")
    assert ask(api, inside, "DELETE", f"/deployments/{id}") == {"status": 204, "body": None}


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/blueprints/none", {}, 404),
        ("GET", "/nothing", {}, 404),
        ("GET", "/blueprints", {"params": {"_size": "x"}}, 400),
        ("GET", "/blueprints", {"tenant": "other"}, 403),
        ("POST", "/executions", {"body": {}}, 400),
    ],
)
def test_a_refusal_is_an_answer(
    api: Api, inside: InProcessClient, method: str, path: str, more: dict[str, Any], status: int
) -> None:
    answer = ask(api, inside, method, path, **more)
    assert answer["status"] == status
    assert answer["body"]["message"]


def test_only_with_the_rights_of_the_user(api: Api, inside: InProcessClient) -> None:
    hash = api.store.read_sync(accounts.get_user, "admin").password_hash
    api.store.write_sync(accounts.create_user, "bob", hash, "user", api.manager.clock())
    body = {"value": 1}
    assert ask(api, inside, "PUT", "/config/task_retries", body=body)["status"] == 200
    assert ask(api, inside, "GET", "/blueprints", user="bob")["status"] == 200
    assert ask(api, inside, "PUT", "/config/task_retries", user="bob", body=body)["status"] == 403
    api.store.write_sync(accounts.set_active, "bob", False)
    for nobody in ("bob", "eve", None):
        with pytest.raises(Forbidden):
            ask(api, inside, "GET", "/blueprints", user=nobody)


def test_what_cannot_be_given_to_an_operation(api: Api, inside: InProcessClient) -> None:
    execution = api.execution()
    with pytest.raises(InvalidInput):
        ask(api, inside, "GET", "/events/stream", params={"execution_id": execution})
    with pytest.raises(InvalidInput, match="not base64"):
        ask(api, inside, "PUT", "/blueprints/b", content="{}")


def test_files_go_both_ways(api: Api, inside: InProcessClient) -> None:
    answer = ask(api, inside, "GET", f"/blueprints/{api.blueprint()}/archive")
    content = base64.b64decode(answer["content"])
    assert int(answer["headers"]["content-length"]) == len(content)
    assert "filename" in answer["headers"]["content-disposition"]
    uploaded = ask(
        api,
        inside,
        "PUT",
        "/blueprints/from-inside",
        content=answer["content"],
        params={"application_file_name": "blueprint.yaml"},
    )
    assert uploaded["status"] == 201, uploaded


def test_nobody_outside_can_say_that_he_is_known(api: Api) -> None:
    headers = {"cloudwright.principal": "admin", "X-Forwarded-User": "admin"}
    assert api.anonymous.get("/api/v3.1/version", headers=headers).status_code == 401


def test_what_an_execution_may_create_while_it_is_being_cancelled(api: Api, inside: InProcessClient) -> None:
    own, other = api.deployment(), api.deployment()
    id = api.execution(own)
    api.start(id)
    start = ("POST", "/executions", {"body": {"deployment_id": other, "workflow_id": "install"}})
    cancel = ("POST", f"/executions/{id}", {"body": {"action": "kill"}})
    label = ("PATCH", f"/deployments/{other}", {"body": {"labels": [{"a": "b"}]}})
    refused = [
        start,
        ("PUT", "/deployments/new", {"body": {"blueprint_id": "b"}}),
        ("POST", f"/executions/{id}", {"body": {"action": "resume"}}),
    ]
    unaware, aware = Caller(id, aware=False), Caller(id, aware=True)

    def answer(caller: Caller, method: str, path: str, more: dict[str, Any]) -> tuple[int, str | None]:
        found = ask(api, inside, method, path, caller=caller, **more)
        return found["status"], (found["body"] or {}).get("error_code")

    api.do(api.manager.executions.cancel("default_tenant", id, CancelMode.CANCEL, by="admin"))
    for request in refused:
        assert answer(unaware, *request) == (403, "forbidden_while_cancelling")
    # It may read, change and stop, and clean up.
    assert answer(unaware, "GET", f"/executions/{id}", {})[0] == 200
    assert answer(unaware, *label)[0] == 200
    assert answer(aware, *start)[0] == 201
    assert answer(unaware, *cancel)[0] == 200
    for request in refused:
        assert answer(aware, *request) == (403, "forbidden_while_cancelling")
