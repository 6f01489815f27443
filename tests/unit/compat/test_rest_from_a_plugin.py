"""``cloudify.manager.get_rest_client()`` in a process without credentials: its supervisor asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cloudwright.child.errors import NonRecoverableError, RequestRefused
from cloudwright.compat.cloudify import manager, utils
from cloudwright.compat.cloudify.state import NotInContext, current_ctx
from cloudwright.compat.cloudify_rest_client.exceptions import (
    CloudifyClientError,
    DeploymentEnvironmentCreationInProgressError,
)
from cloudwright.operation.context import Context


class Api:
    """Answers ``rest`` calls, and remembers them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any], Any]] = []
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {}

    def call(self, method: str, /, **args: Any) -> Any:
        assert method == "rest"
        self.asked.append((args["method"], args["path"], args["params"], args["body"]))
        status, body = self.answers.get((args["method"], args["path"]), (200, {}))
        return {"status": status, "body": body}


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    ctx = Context({"tenant": {"name": "t"}, "deployment": {"id": "d"}}, api)  # type: ignore[arg-type]
    current_ctx.set(ctx)
    yield api
    current_ctx.clear()


def test_what_plugins_ask(api: Api) -> None:
    client = manager.get_rest_client()
    api.answers = {
        ("GET", "/secrets/key"): (200, {"key": "key", "value": "hidden"}),
        ("GET", "/node-instances"): (
            200,
            {
                "items": [{"id": "a_1", "runtime_properties": {"ip": 1}}, {"id": "a_2"}],
                "metadata": {"pagination": {"total": 2}},
            },
        ),
        ("GET", "/nodes"): (200, {"items": [{"id": "a", "properties": {"ip": "10.0.0.1"}}]}),
    }
    assert client.secrets.get("key").value == "hidden"
    instances = client.node_instances.list(
        deployment_id="d", _include=["id", "state"], sort="index", is_descending=True
    )
    assert [each.id for each in instances] == ["a_1", "a_2"]
    assert (len(instances), instances[0].runtime_properties["ip"], instances[1].absent) == (2, 1, None)
    assert instances.metadata.pagination["total"] == 2
    assert client.nodes.get("d", "a").properties == {"ip": "10.0.0.1"}
    client.node_instances.update("a_1", runtime_properties={"x": 1}, version=4)
    client.executions.start("d", "install", {"a": 1}, force=True)
    client.executions.cancel("e", kill=True)
    client.executions.cancel("e", force=True)
    client.executions.cancel("e")
    client.executions.resume("e")
    client.deployments.create("b", "d2", {"size": 1})
    client.deployments.update_labels("d", [{"a": "b"}])
    client.deployments.capabilities.get("d")
    client.deployments.outputs.get("d")
    client.secrets.create("k", "v", update_if_exists=True)
    client.secrets.update("k", "w")
    client.secrets.delete("k")
    client.evaluate.functions("d", {"self": "a_1"}, {"get_attribute": ["SELF", "x"]})
    client.manager.get_version()
    utils.get_instances_of_node(client, node_id="a")
    assert api.asked == [
        ("GET", "/secrets/key", {}, None),
        ("GET", "/node-instances", {"deployment_id": "d", "_sort": "-index", "_include": "id,state"}, None),
        ("GET", "/nodes", {"deployment_id": "d", "id": "a"}, None),
        ("PATCH", "/node-instances/a_1", {}, {"runtime_properties": {"x": 1}, "version": 4}),
        (
            "POST",
            "/executions",
            {},
            {"deployment_id": "d", "workflow_id": "install", "parameters": {"a": 1}, "force": True},
        ),
        ("POST", "/executions/e", {}, {"action": "kill"}),
        ("POST", "/executions/e", {}, {"action": "force-cancel"}),
        ("POST", "/executions/e", {}, {"action": "cancel"}),
        ("POST", "/executions/e", {}, {"action": "resume"}),
        ("PUT", "/deployments/d2", {}, {"blueprint_id": "b", "inputs": {"size": 1}}),
        ("PATCH", "/deployments/d", {}, {"labels": [{"a": "b"}]}),
        ("GET", "/deployments/d/capabilities", {}, None),
        ("GET", "/deployments/d/outputs", {}, None),
        ("PUT", "/secrets/k", {}, {"value": "v", "update_if_exists": True}),
        ("PATCH", "/secrets/k", {}, {"value": "w"}),
        ("DELETE", "/secrets/k", {}, None),
        (
            "POST",
            "/evaluate/functions",
            {},
            {"deployment_id": "d", "context": {"self": "a_1"}, "payload": {"get_attribute": ["SELF", "x"]}},
        ),
        ("GET", "/version", {}, None),
        ("GET", "/node-instances", {"deployment_id": "d", "node_id": "a", "_sort": "index"}, None),
    ]


def test_a_refusal_is_the_error_that_plugins_catch(api: Api) -> None:
    client = manager.get_rest_client()
    api.answers = {
        ("GET", "/secrets/absent"): (404, {"message": "there is none", "error_code": "not_found_error"}),
        ("POST", "/executions"): (
            400,
            {"message": "wait", "error_code": "deployment_environment_creation_in_progress_error"},
        ),
        ("GET", "/nodes"): (200, {"items": []}),
    }
    with pytest.raises(CloudifyClientError) as caught:
        client.secrets.get("absent")
    assert (caught.value.status_code, caught.value.error_code) == (404, "not_found_error")
    assert str(caught.value) == "404: there is none"
    with pytest.raises(DeploymentEnvironmentCreationInProgressError) as caught:
        client.executions.start("d", "install")
    assert caught.value.status_code == 400
    with pytest.raises(CloudifyClientError):
        client.nodes.get("d", "absent")


def test_a_supervisor_that_refuses_to_ask_is_the_same_kind_of_error(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(method: str, /, **args: Any) -> Any:
        raise RequestRefused("The REST API does not answer yet.", status_code=503)

    monkeypatch.setattr(api, "call", refuse)
    with pytest.raises(CloudifyClientError, match="503: The REST API does not answer yet"):
        manager.get_rest_client().secrets.get("x")


def test_node_instances_through_the_manager_module(api: Api) -> None:
    api.answers = {
        ("GET", "/node-instances/app_1"): (200, {"id": "app_1", "host_id": "vm_1", "version": 3}),
        ("GET", "/node-instances/vm_1"): (
            200,
            {"id": "vm_1", "host_id": "vm_1", "deployment_id": "d", "node_id": "vm"},
        ),
        ("GET", "/nodes"): (200, {"items": [{"id": "vm", "properties": {"ip": "10.0.0.7"}}]}),
    }
    assert manager.get_node_instance_ip("app_1") == "10.0.0.7"
    instance = manager.get_node_instance("app_1")
    instance.runtime_properties["a"] = 1
    manager.update_node_instance(instance)
    assert api.asked[-1] == (
        "PATCH",
        "/node-instances/app_1",
        {},
        {"runtime_properties": {"a": 1}, "version": 3},
    )
    api.answers[("GET", "/nodes")] = (200, {"items": [{"id": "vm", "properties": {}}]})
    with pytest.raises(NonRecoverableError, match="its host `vm_1` has no `ip`"):
        manager.get_node_instance_ip("app_1")


def test_nobody_elses_name_can_be_used(api: Api) -> None:
    manager.get_rest_client(tenant="t")
    with pytest.raises(NonRecoverableError, match="in tenant `t`, and in no other"):
        manager.get_rest_client(tenant="other")
    with pytest.raises(NonRecoverableError, match="with an API token"):
        manager.get_rest_client(api_token="x")
    with pytest.raises(NonRecoverableError, match="An execution's status cannot be set"):
        manager.update_execution_status("e", "terminated")


def test_outside_a_context_nothing_can_be_asked() -> None:
    with pytest.raises(NotInContext):
        manager.get_rest_client()
