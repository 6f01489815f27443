"""``cloudify.manager.get_rest_client()`` in a process without credentials: its supervisor asks."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from cloudwright.child.errors import NonRecoverableError, RequestRefused
from cloudwright.compat.cloudify import manager, utils
from cloudwright.compat.cloudify.state import NotInContext, current_ctx
from cloudwright.compat.cloudify_rest_client.client import CloudifyClient
from cloudwright.compat.cloudify_rest_client.exceptions import (
    CloudifyClientError,
    DeploymentEnvironmentCreationInProgressError,
)
from cloudwright.operation.context import Context


class Api:
    """Answers ``rest`` calls, and remembers them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any], Any]] = []
        self.last: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {}

    def call(self, method: str, /, **args: Any) -> Any:
        assert method == "rest"
        self.asked.append((args["method"], args["path"], args["params"], args["body"]))
        self.last = args
        if args["path"] in self.files:
            headers = {"content-disposition": 'attachment; filename="file.bin"'}
            content = base64.b64encode(self.files[args["path"]]).decode()
            return {"status": 200, "content": content, "headers": headers}
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
    assert instances.metadata.pagination.total == 2
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
    asked = {(method, path): (params, body) for method, path, params, body in api.asked}
    assert asked["GET", "/secrets/key"] == ({}, None)
    patched = {"runtime_properties": {"x": 1}, "version": 4}
    assert asked["PATCH", "/node-instances/a_1"] == ({}, patched)
    assert asked["POST", "/executions"][1]["parameters"] == {"a": 1}
    actions = [body["action"] for method, path, _, body in api.asked if path == "/executions/e"]
    assert actions == ["kill", "force-cancel", "cancel", "resume"]
    assert asked["PUT", "/deployments/d2"][1]["inputs"] == {"size": 1}
    assert asked["PATCH", "/deployments/d"] == ({}, {"labels": [{"a": "b"}]})
    assert {("GET", "/deployments/d/capabilities"), ("GET", "/deployments/d/outputs")} <= asked.keys()
    assert asked["PATCH", "/secrets/k"] == ({}, {"value": "w"})
    assert asked["DELETE", "/secrets/k"] == ({}, None)
    assert asked["POST", "/evaluate/functions"][1]["payload"] == {"get_attribute": ["SELF", "x"]}
    assert api.asked[-1][2] == {"deployment_id": "d", "node_id": "a", "_sort": "index"}


def test_arguments_have_the_names_of_cloudify_s_client(api: Api) -> None:
    client = manager.get_rest_client()
    client.node_instances.get(node_instance_id="a_1", evaluate_functions=False)
    client.executions.get(execution_id="e")
    client.deployments.get(deployment_id="d")
    client.plugins.get(plugin_id="p")
    client.secrets.get(key="k")
    client.plugins.delete(plugin_id="p")
    with pytest.raises(TypeError, match="key"):
        client.secrets.get()
    paths = [
        "/node-instances/a_1",
        "/executions/e",
        "/deployments/d",
        "/plugins/p",
        "/secrets/k",
        "/plugins/p",
    ]
    assert [path for _, path, _, _ in api.asked] == paths


def test_a_resource_that_the_client_does_not_have() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = CloudifyClient().nothing
    with pytest.raises(AttributeError, match="belongs to Cloudify's own snapshots"):
        CloudifyClient().secrets.dump()


def test_files_travel_as_bytes(api: Api, tmp_path: Path) -> None:
    client = manager.get_rest_client()
    api.answers = {("POST", "/plugins"): (201, {"id": "p"})}
    (tmp_path / "p.wgn").write_bytes(b"wagon")
    assert client.plugins.upload(str(tmp_path / "p.wgn")).id == "p"
    assert base64.b64decode(api.last["content"]) == b"wagon"
    api.files["/plugins/p/archive"] = b"the archive"
    path = client.plugins.download("p", str(tmp_path))
    assert Path(path).read_bytes() == b"the archive"
    assert Path(path).name == "file.bin"
    with pytest.raises(FileExistsError):
        client.plugins.download("p", path)


def test_another_host_is_another_manager(api: Api) -> None:
    class Server(BaseHTTPRequestHandler):
        asked: ClassVar[list[tuple[str, str | None, str | None]]] = []

        def do_GET(self) -> None:
            self.asked.append((self.path, self.headers["Tenant"], self.headers["Authentication-Token"]))
            refused = "absent" in self.path
            body = {"message": "none", "error_code": "not_found_error"} if refused else {"id": "d"}
            self.send_response(404 if refused else 200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        other = CloudifyClient(host="127.0.0.1", port=server.server_port, token="secret", tenant="other")
        assert other.deployments.get("d", _include=["id"]).id == "d"
        with pytest.raises(CloudifyClientError, match="404: none"):
            other.deployments.get("absent")
        server.shutdown()
    path = "/api/v3.1/deployments/d?_include=id&all_sub_deployments=True&include_workdir=False"
    assert Server.asked[0] == (path, "other", "secret")
    assert api.asked == []


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
    assert client.nodes.get("d", "absent") is None


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
    manager.get_rest_client(tenant="other").secrets.get("k")
    assert api.last["tenant"] == "other"
    with pytest.raises(NonRecoverableError, match="with an API token"):
        manager.get_rest_client(api_token="x")
    with pytest.raises(NonRecoverableError, match="An execution's status cannot be set"):
        manager.update_execution_status("e", "terminated")


def test_outside_a_context_nothing_can_be_asked() -> None:
    with pytest.raises(NotInContext):
        manager.get_rest_client()
