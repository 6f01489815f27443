"""Hooks by REST, and what they do: webhooks that are received, workflows that are started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from served_api import Api, served
from tenant_users import TenantUser, create_tenant

from cloudwright.model.execution import Outcome
from cloudwright.storage import accounts
from webhook_receiver import Receiver, receiving


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API whose manager delivers hooks."""
    with served(tmp_path_factory.mktemp("api")) as running:
        running.do(running.manager.hook_sender.start())
        running.put("/secrets/signing", {"value": "sign with this"})
        yield running
        running.do(running.manager.hook_sender.close())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def webhook(api: Api, receiver: Receiver, **more: Any) -> str:
    """A hook on ends that failed, of one deployment; returns its path."""
    path = f"/hooks/{api.unique('hook')}"
    made = api.put(path, {"statuses": ["failed"], "url": receiver.url, "secret": "signing", **more})
    assert made["enabled"] is True
    return path


def failed(api: Api, deployment: str | None = None) -> str:
    execution = api.execution(deployment)
    api.start(execution)
    api.end(execution, Outcome.FAILED, error="it broke")
    return execution


def delivery(api: Api, hook: str, state: str) -> dict[str, Any]:
    """Wait until the hook's only delivery has that state."""
    while True:
        items = api.items(f"{hook}/deliveries")
        if [item["state"] for item in items] == [state]:
            return items[0]


def test_a_hook_comes_changes_and_goes(api: Api, receiver: Receiver) -> None:
    path = webhook(api, receiver, event_types=["task_*"])
    made = api.get(path)
    assert (made["created_by"], made["statuses"], made["workflow_id"]) == ("admin", ["failed"], None)
    api.refused(
        "PUT",
        path,
        409,
        "conflict_error",
        json={"statuses": ["failed"]} | {"url": receiver.url, "secret": "signing"},
    )
    assert path.removeprefix("/hooks/") in [item["id"] for item in api.items("/hooks", _search="HOOK")]
    changed = api.patch(path, {"enabled": False, "statuses": []})
    assert changed == made | {"enabled": False, "statuses": []}
    assert api.http.delete(path).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        api.refused(method, path, 404, "not_found_error", json={})
    api.refused("GET", f"{path}/deliveries", 404, "not_found_error")


def test_a_webhook_is_received_signed_and_once(api: Api, receiver: Receiver) -> None:
    deployment = api.deployment()
    hook = webhook(api, receiver, of_deployment=deployment, url=receiver.url + "/x?y=1")
    failed(api)
    execution = failed(api, deployment)
    received = receiver.next()
    assert received.path == "/x?y=1"
    assert receiver.url.endswith(received.host)
    payload = received.payload
    assert (payload["id"], payload["status"]) == (received.id, "failed")
    assert payload["event_type"] == "workflow_failed"
    assert payload["execution"]["id"] == execution
    assert payload["execution"]["error"] == "it broke"
    ended = delivery(api, hook, "delivered")
    assert (ended["id"], ended["attempts"], ended["response_status"]) == (received.id, 1, 200)
    assert receiver.received.empty()


@pytest.mark.parametrize("refusal", [500, 404, 302])
def test_what_is_refused_is_tried_again_under_the_same_id(api: Api, receiver: Receiver, refusal: int) -> None:
    deployment = api.deployment()
    hook = webhook(api, receiver, of_deployment=deployment)
    receiver.responses.put(refusal)
    failed(api, deployment)
    first, second = receiver.next(), receiver.next()
    assert (first.id, first.payload) == (second.id, second.payload)
    assert second.path == "/", "a redirect was followed"
    assert delivery(api, hook, "delivered")["attempts"] == 2


def test_what_is_refused_for_long_is_given_up_until_a_user_asks(api: Api, receiver: Receiver) -> None:
    deployment = api.deployment()
    hook = webhook(api, receiver, of_deployment=deployment)
    for _ in range(3):
        receiver.responses.put(503)
    failed(api, deployment)
    given_up = delivery(api, hook, "failed")
    assert (given_up["attempts"], given_up["response_status"]) == (3, 503)
    assert "responded with 503" in given_up["error"]
    assert given_up["next_attempt_at"] is None
    path = f"{hook}/deliveries/{given_up['id']}/retry"
    assert api.post(path, {})["state"] == "pending"
    assert delivery(api, hook, "delivered")["attempts"] == 1
    api.refused("POST", path, 409, "conflict_error", json={})
    assert {receiver.next().id for _ in range(4)} == {given_up["id"]}
    assert api.items(f"{hook}/deliveries", state="failed,pending") == []
    api.refused("GET", f"{hook}/deliveries?state=lost", 400, "bad_parameters_error")


def test_a_slow_receiver_keeps_nothing_else_waiting(api: Api, receiver: Receiver) -> None:
    deployment = api.deployment()
    slow = webhook(api, receiver, of_deployment=deployment)
    receiver.open.clear()
    with receiving() as quick:
        webhook(api, quick, of_deployment=deployment)
        for _ in range(6):
            failed(api, deployment)
            quick.next()
        assert api.items(f"{slow}/deliveries", state="pending")
        assert receiver.received.qsize() <= 4
        receiver.open.set()
        assert len({receiver.next().id for _ in range(6)}) == 6


def test_a_workflow_is_started_once_by_the_hooks_owner(api: Api) -> None:
    source, target = api.deployment(), api.deployment()
    hook = f"/hooks/{api.unique('hook')}"
    body = {"statuses": ["failed"], "of_deployment": source, "workflow_id": "execute_operation"}
    given = {"operation": "a.b"}
    api.put(
        hook, body | {"deployment_id": target, "parameters": given, "event_parameter": "operation_kwargs"}
    )
    failed(api, source)
    ended = delivery(api, hook, "delivered")
    started = api.get(f"/executions/{ended['started_execution']}")
    assert (started["deployment_id"], started["workflow_id"]) == (target, "execute_operation")
    assert (started["created_by"], started["parameters"]["operation"]) == ("admin", "a.b")
    assert started["parameters"]["operation_kwargs"]["id"] == ended["id"]
    assert len(api.items("/executions", deployment_id=target, workflow_id="execute_operation")) == 1


def test_a_workflow_that_cannot_be_started_is_given_up_and_says_why(api: Api) -> None:
    source = api.deployment()
    hook = f"/hooks/{api.unique('hook')}"
    api.put(hook, {"statuses": ["failed"], "workflow_id": "nothing"})
    failed(api, source)
    assert "no workflow `nothing`" in delivery(api, hook, "failed")["error"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"statuses": [], "url": "http://x", "secret": "signing"}, "statuses"),
        ({"statuses": ["pending"], "url": "http://x", "secret": "signing"}, "`pending` is not a status"),
        ({"event_types": [""], "url": "http://x", "secret": "signing"}, "not a type"),
        ({"statuses": ["failed"]}, "one of the two"),
        ({"statuses": ["failed"], "url": "http://x", "workflow_id": "heal"}, "one of the two"),
        ({"statuses": ["failed"], "url": "http://x"}, "cfy secrets create"),
        (
            {"statuses": ["failed"], "url": "http://x", "secret": "signing", "parameters": {"a": 1}},
            "workflow",
        ),
        ({"statuses": ["failed"], "workflow_id": "heal", "secret": "signing"}, "`url`"),
        ({"statuses": ["failed"], "url": "ftp://x", "secret": "signing"}, "not a URL"),
        ({"statuses": ["failed"], "url": "http://a:b@x", "secret": "signing"}, "password"),
        ({"statuses": ["failed"], "url": "http://169.254.169.254/", "secret": "signing"}, "credentials"),
        ({"statuses": ["failed"], "url": "http://[fe80::1]/", "secret": "signing"}, "credentials"),
        ({"statuses": ["failed"], "url": "http://x:99999", "secret": "signing"}, "not a URL"),
    ],
)
def test_a_hook_that_could_not_work_is_refused(api: Api, body: dict[str, Any], complaint: str) -> None:
    path = f"/hooks/{api.unique('hook')}"
    assert complaint in api.refused("PUT", path, 400, "bad_parameters_error", json=body)
    api.refused("GET", path, 404, "not_found_error")


def test_what_a_hook_names_must_exist(api: Api) -> None:
    path = f"/hooks/{api.unique('hook')}"
    body = {"statuses": ["failed"], "url": "http://x", "secret": "nothing"}
    api.refused("PUT", path, 404, "not_found_error", json=body)
    body = {"statuses": ["failed"], "workflow_id": "heal", "deployment_id": "nothing"}
    api.refused("PUT", path, 404, "not_found_error", json=body)


def test_a_hook_sees_what_its_owner_sees_and_nobody_else_changes_it(api: Api, receiver: Receiver) -> None:
    create_tenant(api, "red")
    ann, bob = (TenantUser(api, name, "red", "user") for name in ("ann", "bob"))
    carol = TenantUser(api, "carol", "red", "manager")
    ann.done("PUT", "/secrets/signing", json={"value": "sign with this"})
    ann.done("PUT", "/hooks/h", json={"statuses": ["failed"], "url": receiver.url, "secret": "signing"})
    ann.upload("open", visibility="tenant")
    bob.upload("hidden", visibility="private")
    bob.deploy("hidden", "hidden", visibility="private")
    ann.deploy("open", "open")
    hidden, shown = bob.start("hidden"), ann.start("open")
    for execution in (hidden, shown):
        api.start(execution)
        api.end(execution, Outcome.FAILED, error="it broke")
    assert receiver.next().payload["execution"]["id"] == shown
    while len(ended := ann.ids("/hooks/h/deliveries", "execution_id", state="failed,delivered")) < 2:
        pass
    assert sorted(ended) == sorted([hidden, shown])
    assert ann.ids("/hooks/h/deliveries", "execution_id", state="failed") == [hidden]
    assert receiver.received.empty()

    assert bob.status("/hooks/h") == 200
    for method, path in (("PATCH", "/hooks/h"), ("DELETE", "/hooks/h")):
        assert bob(method, path, json={"enabled": False}).status_code == 403
    assert carol("PATCH", "/hooks/h", json={"enabled": False}).status_code == 200
    assert api.http.get("/hooks/h").status_code == 404

    carol.done("PATCH", "/hooks/h", json={"enabled": True})
    again = ann.start("open")
    api.store.write_sync(accounts.set_active, "ann", False)
    api.start(again)
    api.end(again, Outcome.FAILED, error="it broke")
    while again not in carol.ids("/hooks/h/deliveries", "execution_id", state="failed"):
        pass
    assert receiver.received.empty()
