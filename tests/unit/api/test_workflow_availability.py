"""Which workflows are listed as available, and what becomes of one that is not."""

from __future__ import annotations

import pytest
from served_api import Api

BLUEPRINT = """
tosca_definitions_version: cloudify_dsl_1_5
imports: [cloudify/types/types.yaml]
node_templates: { a: { type: cloudify.nodes.Root }, b: { type: cloudify.nodes.Root } }
workflows: { missing: default_workflows.cloudify.plugins.workflows.no_such_function }
"""
NOT_BUILT = {"missing"}
CLEAN_UP = {"uninstall", "rollback"}
NOT_INSTALLED = {"install", "start", "execute_operation", "update", *CLEAN_UP}
INSTALLED = {
    "check_drift",
    "check_status",
    "execute_operation",
    "heal",
    "pull",
    "reinstall",
    "restart",
    "scale",
    "stop",
    "update",
    *CLEAN_UP,
}


@pytest.fixture
def deployment(api: Api) -> str:
    return api.deployment(api.blueprint(BLUEPRINT))


def available(api: Api, deployment: str) -> set[str]:
    found = api.items(f"/deployments/{deployment}/workflows")
    assert found == api.get(f"/deployments/{deployment}")["workflows"]
    return {workflow["name"] for workflow in found if workflow["is_available"]}


def install(api: Api, deployment: str) -> None:
    for instance in api.items("/node-instances", deployment_id=deployment):
        changed = api.http.patch(f"/node-instances/{instance['id']}", json={"state": "started"})
        assert changed.status_code == 200, changed.text


def test_what_is_available_follows_the_state(api: Api, deployment: str) -> None:
    assert available(api, deployment) == NOT_INSTALLED
    install(api, deployment)
    assert available(api, deployment) == INSTALLED
    listed = {entry["name"]: entry["is_available"] for entry in api.items("/workflows", id=deployment)}
    assert {name for name, is_available in listed.items() if is_available} == INSTALLED
    assert set(listed) >= NOT_BUILT


def test_a_list_of_deployments_says_the_same(api: Api, deployment: str) -> None:
    [only] = api.items("/deployments", id=deployment, _include="id,workflows")
    assert {entry["name"] for entry in only["workflows"] if entry["is_available"]} == NOT_INSTALLED


@pytest.mark.parametrize("name", sorted(NOT_BUILT))
@pytest.mark.parametrize("force", [False, True])
def test_one_that_is_not_built_says_so(api: Api, deployment: str, name: str, force: bool) -> None:
    body = {"deployment_id": deployment, "workflow_id": name, "force": force}
    said = api.refused("POST", "/executions", 400, "unavailable_workflow_error", json=body)
    assert "not built yet" in said
    assert "`force`" not in said
    assert api.items("/executions", deployment_id=body["deployment_id"], workflow_id=name) == []


def test_rules_refuse_a_start_and_force_does_not_ask_them(api: Api, deployment: str) -> None:
    install(api, deployment)
    body = {"deployment_id": deployment, "workflow_id": "install"}
    said = api.refused("POST", "/executions", 400, "unavailable_workflow_error", json=body)
    assert "`none` or `partial`, and they are `all`" in said
    assert "`force`" in said
    assert api.items("/executions", deployment_id=deployment, workflow_id="install") == []
    assert api.post("/executions", body | {"force": True})["status"] == "pending"


def test_rules_are_not_asked_of_what_starts_later(api: Api, deployment: str) -> None:
    api.post("/executions", {"deployment_id": deployment, "workflow_id": "install"})
    queued = api.post("/executions", {"deployment_id": deployment, "workflow_id": "stop", "queue": True})
    assert queued["status"] == "queued"
    body = {"deployment_id": deployment, "workflow_id": "stop"}
    api.refused("POST", "/executions", 400, "existing_running_execution_error", json=body)


def test_uninstall_may_start_where_nothing_is_installed(api: Api, deployment: str) -> None:
    body = {"deployment_id": deployment, "workflow_id": "uninstall"}
    assert api.post("/executions", body)["status"] == "pending"


@pytest.mark.parametrize(
    ("workflow", "parameters", "said"),
    [
        ("execute_operation", {"operation": "cloudify.interfaces.lifecycle.start"}, ""),
        ("execute_operation", {"operation": "lifecycle.begin"}, "no such operation"),
        ("install", {"node_ids": ["a"]}, ""),
        ("install", {"node_ids": ["a", "c"]}, "names 'c', and there is no such node"),
        ("install", {"type_names": ["cloudify.nodes.Root"]}, ""),
        ("install", {"type_names": ["cloudify.nodes.Compute"]}, "no such node of that type"),
        ("install", {"node_instance_ids": ["a_1"]}, "no such node instance"),
        ("install", {"on_cancel": "keep"}, "valid_values"),
    ],
)
def test_what_parameters_name_has_to_be_there(
    api: Api, deployment: str, workflow: str, parameters: dict[str, object], said: str
) -> None:
    body = {"deployment_id": deployment, "workflow_id": workflow, "parameters": parameters}
    answer = api.http.post("/executions", json=body)
    assert answer.status_code == (400 if said else 201), answer.text
    assert said in answer.text
