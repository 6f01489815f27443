from __future__ import annotations

from typing import Any

import pytest
from served_api import BLUEPRINT, Api


def test_a_deployment_is_made_of_a_blueprint(api: Api) -> None:
    blueprint, id = api.blueprint(), api.unique("deployment")
    made = api.put(
        f"/deployments/{id}",
        {
            "blueprint_id": blueprint,
            "inputs": {"size": 3},
            "display_name": "The app",
            "labels": [{"env": "test"}],
            "visibility": "private",
            "settings": {"cancel_grace_seconds": 30},
            "skip_plugins_validation": False,
            "runtime_only_evaluation": False,
        },
    )
    assert made.pop("warnings") == []
    assert made == api.get(f"/deployments/{id}", all_sub_deployments="True", include_workdir="False")
    assert (made["id"], made["display_name"], made["blueprint_id"]) == (id, "The app", blueprint)
    assert (made["inputs"], made["settings"]) == ({"size": 3}, {"cancel_grace_seconds": 30})
    assert (made["created_by"], made["tenant_name"], made["visibility"]) == (
        "admin",
        "default_tenant",
        "private",
    )
    assert (made["installation_status"], made["deployment_status"]) == ("inactive", "requires_attention")
    assert made["latest_execution_id"] == made["create_execution"]
    assert made["latest_execution_status"] == "completed"
    assert {workflow["name"] for workflow in made["workflows"]} >= {"install", "uninstall"}
    assert api.items(f"/deployments/{id}/workflows") == made["workflows"]
    assert [(label["key"], label["value"]) for label in made["labels"]] == [("env", "test")]
    assert api.items(f"/deployments/{id}/labels") == made["labels"]
    assert api.get(f"/deployments/{id}/inputs") == {"deployment_id": id, "inputs": {"size": 3}}


def test_text_is_taken_for_a_declared_number_where_that_is_asked_for(api: Api) -> None:
    blueprint, id = api.blueprint(), api.unique("deployment")
    body = {"blueprint_id": blueprint, "inputs": {"size": "3"}}
    refused = api.refused("PUT", f"/deployments/{id}", 400, "bad_parameters_error", json=body)
    assert "not of type `integer`" in refused
    made = api.put(f"/deployments/{id}", body | {"auto_correct_types": True})
    assert made["inputs"] == {"size": 3}


def test_inputs_are_shown_with_their_values(api: Api) -> None:
    text = BLUEPRINT.replace("inputs:\n", "inputs:\n  also: { default: { get_input: size } }\n")
    id = api.deployment(api.blueprint(text), size=3)
    assert api.get(f"/deployments/{id}/inputs")["inputs"] == {"also": 3, "size": 3}
    assert api.get(f"/deployments/{id}")["inputs"] == {"also": 3, "size": 3}


def test_only_the_blueprint_must_be_named(api: Api) -> None:
    made = api.get(f"/deployments/{api.deployment()}")
    assert made["display_name"] == made["id"]
    assert made["inputs"] == {"size": 1}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "bad_parameters_error"),
        ({"blueprint_id": "none"}, 404, "not_found_error"),
        ({"inputs": {"other": 1}}, 400, "unknown_deployment_input_error"),
        ({"inputs": {"size": "large"}}, 400, "constraint_error"),
        ({"visibility": "all"}, 400, "bad_parameters_error"),
        ({"site_name": "moon"}, 404, "not_found_error"),
        ({"labels": [{"a b": "c"}]}, 400, "bad_parameters_error"),
        ({"settings": {"other": 1}}, 400, "bad_parameters_error"),
        ({"settings": {"cancel_grace_seconds": -1}}, 400, "bad_parameters_error"),
        ({"settings": {"cancel_grace_seconds": "soon"}}, 400, "bad_parameters_error"),
    ],
)
def test_what_cannot_be_made(api: Api, body: dict[str, Any], status: int, code: str) -> None:
    id = api.unique("deployment")
    if body:
        body = {"blueprint_id": api.blueprint(), **body}
    answer = api.http.put(f"/deployments/{id}", json=body)
    assert answer.status_code == status, answer.text
    if body.get("inputs") is None:
        assert answer.json()["error_code"] == code
    api.refused("GET", f"/deployments/{id}", 404, "not_found_error")


def test_an_id_is_used_once(api: Api) -> None:
    id = api.deployment()
    body = {"blueprint_id": api.blueprint()}
    api.refused("PUT", f"/deployments/{id}", 409, "conflict_error", json=body)
    api.refused("PUT", "/deployments/.x", 400, "bad_parameters_error", json=body)


def test_outputs_and_capabilities_are_evaluated_now(api: Api) -> None:
    id = api.deployment(size=5)
    assert api.get(f"/deployments/{id}/outputs") == {
        "deployment_id": id,
        "outputs": {"address": "10.0.0.1", "size": 5},
    }
    assert api.get(f"/deployments/{id}/capabilities")["capabilities"] == {"endpoint": "http://10.0.0.1"}
    [host] = api.items("/node-instances", deployment_id=id, node_id="host")
    change = {"version": host["version"], "runtime_properties": {"ip": "10.9.9.9"}}
    api.http.patch(f"/node-instances/{host['id']}", json=change)
    assert api.get(f"/deployments/{id}/outputs")["outputs"]["address"] == "10.9.9.9"
    for what in ("outputs", "capabilities", "inputs", "labels", "workflows"):
        api.refused("GET", f"/deployments/none/{what}", 404, "not_found_error")


OTHERS = """tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs: {{ other: {{ default: {other} }} }}
capabilities:
  endpoint: {{ value: {{ get_capability: [{{ get_input: other }}, endpoint] }} }}
"""


def test_capabilities_of_other_deployments(api: Api) -> None:
    first = api.deployment()
    second = api.deployment(api.blueprint(OTHERS.format(other=first)))
    assert api.get(f"/deployments/{second}/capabilities")["capabilities"] == {"endpoint": "http://10.0.0.1"}

    circle = api.unique("deployment")
    api.put(f"/deployments/{circle}", {"blueprint_id": api.blueprint(OTHERS.format(other=circle))})
    shown = api.get(f"/deployments/{circle}/capabilities")["capabilities"]["endpoint"]
    assert shown.startswith("<ERROR: ")
    assert "leads back to itself" in shown


def test_lists(api: Api) -> None:
    blueprint = api.blueprint()
    ids = sorted(api.deployment(blueprint) for _ in range(3))
    listed = api.get("/deployments", blueprint_id=blueprint, _sort="-id", _size=2, _include="id,blueprint_id")
    assert listed["items"] == [{"id": id, "blueprint_id": blueprint} for id in (ids[2], ids[1])]
    assert listed["metadata"]["pagination"] == {"total": 3, "size": 2, "offset": 0}
    whole = api.items("/deployments", blueprint_id=blueprint)
    assert [item["id"] for item in whole] == ids
    assert {item["installation_status"] for item in whole} == {"inactive"}
    assert [item["id"] for item in api.items("/deployments", _search_name=ids[0])] == [ids[0]]
    names = {workflow["name"] for workflow in api.items("/workflows", id=ids[0])}
    assert names >= {"install", "uninstall"}
    assert api.items("/deployments", _group_id="none") == []
    message = api.refused("GET", "/deployments?_dependencies_of=d", 400, "bad_parameters_error")
    assert "Dependencies" in message


def test_what_executions_and_instances_say_of_a_deployment(api: Api) -> None:
    id = api.deployment()

    def seen() -> tuple[Any, ...]:
        got = api.get(f"/deployments/{id}")
        return got["latest_execution_status"], got["deployment_status"], got["installation_status"]

    execution = api.execution(id)
    assert seen() == ("in_progress", "in_progress", "inactive")
    assert api.get(f"/deployments/{id}")["latest_execution_id"] == execution
    api.start(execution)
    for instance in api.items("/node-instances", deployment_id=id):
        api.http.patch(f"/node-instances/{instance['id']}", json={"state": "started"})
    api.end(execution)
    assert seen() == ("completed", "good", "active")
    [listed] = api.items("/deployments", id=id)
    assert listed == api.get(f"/deployments/{id}")

    another = api.execution(id)
    api.post(f"/executions/{another}", {"action": "cancel"})
    assert seen() == ("cancelled", "good", "active")


def test_labels(api: Api) -> None:
    id = api.deployment()
    changed = api.http.patch(f"/deployments/{id}", json={"labels": [{"a": "b"}]}).json()
    assert [(label["key"], label["value"]) for label in changed["labels"]] == [("a", "b")]


def test_delete(api: Api) -> None:
    id = api.deployment()
    [host] = api.items("/node-instances", deployment_id=id, node_id="host")
    api.http.patch(f"/node-instances/{host['id']}", json={"state": "started"})
    message = api.refused(
        "DELETE", f"/deployments/{id}", 400, "dependent_exists_error", params={"force": "False"}
    )
    assert host["id"] in message
    params = {"force": "True", "delete_logs": "False", "recursive": "False"}
    assert api.http.delete(f"/deployments/{id}", params=params).status_code == 204
    assert api.items("/node-instances", deployment_id=id) == []
    [deleting] = api.items("/executions", deployment_id=id, workflow_id="delete_deployment_environment")
    assert (deleting["status"], deleting["created_by"]) == ("terminated", "admin")
    api.refused("DELETE", f"/deployments/{id}", 404, "not_found_error")


def test_a_deployment_has_an_execution_that_created_it(api: Api) -> None:
    id = api.deployment(size=3)
    first, second = api.items("/executions", deployment_id=id)[0], api.execution(id)
    assert first["id"] == api.get(f"/deployments/{id}", _include="create_execution")["create_execution"]
    assert (first["workflow_id"], first["status"]) == ("create_deployment_environment", "terminated")
    assert (first["is_system_workflow"], first["parameters"]["inputs"]) == (False, {"size": 3})
    assert [item["id"] for item in api.items("/executions", deployment_id=id)] == [first["id"], second]
    assert [event["event_type"] for event in api.items("/events", execution_id=first["id"])] == [
        "workflow_started", "workflow_succeeded",
    ]  # fmt: skip
    api.refused("POST", f"/executions/{first['id']}", 400, "illegal_action_error", json={"action": "cancel"})


def test_executions_of_a_deleted_deployment_are_never_those_of_another(api: Api) -> None:
    id = api.deployment()
    blueprint = api.get(f"/deployments/{id}")["blueprint_id"]
    running = api.execution(id)
    api.start(running)
    api.happen(running, "of the first")
    api.http.delete(f"/deployments/{id}", params={"force": True})
    of_first = [item["id"] for item in api.items("/executions", deployment_id=id)]
    assert len(of_first) == 3
    assert running in of_first

    made = api.put(f"/deployments/{id}", {"blueprint_id": blueprint, "display_name": "The second"})
    [only] = api.items("/executions", deployment_id=id)
    assert only["id"] == made["create_execution"] == made["latest_execution_id"]
    assert api.items("/events", deployment_id=id, message="of the first") == []
    assert api.get(f"/executions/{running}")["deployment_display_name"] == id
    # What still runs of the first keeps the second neither from starting nor from being deleted.
    assert api.post("/executions", {"deployment_id": id, "workflow_id": "install"})["status"] == "pending"
    api.end(running)
    assert len(api.items("/executions", deployment_id=id)) == 2


def test_nodes(api: Api) -> None:
    id = api.deployment()
    host, app = api.items("/nodes", deployment_id=id)
    assert (host["id"], app["id"]) == ("host", "app")
    assert host["properties"]["ip"] == "10.0.0.1"
    assert host["type_hierarchy"] == ["cloudify.nodes.Root", "cloudify.nodes.Compute"]
    assert (host["number_of_instances"], host["planned_number_of_instances"]) == (1, 1)
    assert host["blueprint_id"] == api.get(f"/deployments/{id}")["blueprint_id"]
    assert (host["created_by"], host["tenant_name"], host["visibility"]) == (
        "admin",
        "default_tenant",
        "tenant",
    )
    assert app["host_id"] == "host"
    assert app["relationships"][0]["target_id"] == "host"
    assert api.items("/nodes", deployment_id=id, id="app", _include="id,type") == [
        {"id": "app", "type": "cloudify.nodes.Root"}
    ]
    assert api.items("/nodes", deployment_id="none") == []


RUNTIME = BLUEPRINT.replace("ip: 10.0.0.1,", "ip: { get_input: size },")


def test_nodes_with_their_functions_evaluated(api: Api) -> None:
    id = api.unique("deployment")
    body = {"blueprint_id": api.blueprint(RUNTIME), "inputs": {"size": 7}, "runtime_only_evaluation": True}
    api.put(f"/deployments/{id}", body)
    [node] = api.items("/nodes", deployment_id=id, id="host")
    assert node["properties"]["ip"] == {"get_input": "size"}
    [node] = api.items("/nodes", deployment_id=id, id="host", _evaluate_functions="True")
    assert node["properties"]["ip"] == 7


def test_node_instances(api: Api) -> None:
    id = api.deployment()
    host, app = sorted(
        api.items("/node-instances", deployment_id=id), key=lambda item: item["node_id"], reverse=True
    )
    assert (host["node_id"], host["state"], host["version"], host["index"]) == ("host", "uninitialized", 1, 1)
    assert host["id"].startswith("host_")
    assert app["host_id"] == host["id"]
    assert app["relationships"][0]["target_id"] == host["id"]
    assert (app["created_by"], app["tenant_name"], app["visibility"]) == ("admin", "default_tenant", "tenant")
    assert api.get(f"/node-instances/{app['id']}", _evaluate_functions="False") == app
    assert [item["id"] for item in api.items("/node-instances", deployment_id=id, node_id="app")] == [
        app["id"]
    ]
    chosen = {"_all_tenants": "true", "_sort": "node_id", "_include": "node_id"}
    assert api.items("/node-instances", deployment_id=id, **chosen) == [
        {"node_id": "app"},
        {"node_id": "host"},
    ]
    api.refused("GET", "/node-instances/none", 404, "not_found_error")


def test_a_node_instance_is_changed_by_whoever_read_its_latest_version(api: Api) -> None:
    id = api.deployment()
    [host] = api.items("/node-instances", deployment_id=id, node_id="host")
    path = f"/node-instances/{host['id']}"

    def change(status: int, **body: Any) -> dict[str, Any]:
        answer = api.http.patch(path, json=body)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    # What was read, and what it will be: clients send the one or the other.
    assert change(200, version=1, runtime_properties={"a": 1})["version"] == 2
    assert change(200, version=3, runtime_properties={"a": 2})["version"] == 3
    for version in (0, 1, 2, 5):
        assert change(409, version=version, runtime_properties={"a": 3})["error_code"] == "conflict_error"
    changed = change(200, version=3, state="started")
    assert (changed["state"], changed["runtime_properties"]) == ("started", {"a": 2})
    change(400, runtime_properties={})
    change(400, version=3, relationships=[])
    forced = api.http.patch(
        path, json={"version": 1, "runtime_properties": {}}, params={"force": "True"}
    ).json()
    assert forced["runtime_properties"] == {}
    api.refused("PATCH", "/node-instances/none", 404, "not_found_error", json={"state": "started"})


@pytest.mark.parametrize("levels", [98, 99, 300])
def test_runtime_properties_are_nested_as_deep_as_everywhere(api: Api, levels: int) -> None:
    id = api.deployment()
    instance = api.items("/node-instances", deployment_id=id)[0]
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    body = {"runtime_properties": {"x": value}, "version": instance["version"]}
    answer = api.http.patch(f"/node-instances/{instance['id']}", json=body)
    assert answer.status_code == (200 if levels < 99 else 400), answer.text
    now = api.get(f"/node-instances/{instance['id']}")
    assert now["runtime_properties"] == ({"x": value} if levels < 99 else {})
