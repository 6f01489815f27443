"""Functions evaluated through the API, and summaries."""

from __future__ import annotations

from typing import Any

from served_api import Api


def evaluate(api: Api, deployment: str, payload: dict[str, Any], **context: str) -> Any:
    body = {"deployment_id": deployment, "context": context, "payload": payload}
    answer = api.post("/evaluate/functions", body)
    assert answer["deployment_id"] == deployment
    return answer["payload"]


def test_functions_are_evaluated_as_things_are(api: Api) -> None:
    deployment = api.deployment(size=3)
    host, app = (
        api.items("/node-instances", deployment_id=deployment, node_id=name)[0]["id"]
        for name in ("host", "app")
    )
    payload = {"a": [{"get_input": "size"}], "b": {"get_property": ["host", "ip"]}, "c": 1}
    assert evaluate(api, deployment, payload) == {"a": [3], "b": "10.0.0.1", "c": 1}
    its = {"ip": {"get_property": ["SELF", "ip"]}}
    assert evaluate(api, deployment, its, self=host) == {"ip": "10.0.0.1"}
    # A node stands for its only instance.
    assert evaluate(api, deployment, its, self="host") == {"ip": "10.0.0.1"}
    target = {"ip": {"get_property": ["TARGET", "ip"]}}
    context = {"source": app, "target": host, "source_node": "app", "target_node": "host"}
    assert evaluate(api, deployment, target, **context) == {"ip": "10.0.0.1"}


def test_what_cannot_be_evaluated_is_said(api: Api) -> None:
    deployment = api.deployment()
    body = {"deployment_id": deployment, "payload": {"word": {"get_secret": "no-such-secret"}}}
    said = api.refused("POST", "/evaluate/functions", 400, "functions_evaluation_error", json=body)
    assert "`no-such-secret`" in said
    assert "word" in said
    body = {"deployment_id": deployment, "payload": {"ip": {"get_property": ["gone", "ip"]}}}
    assert "gone" in api.refused("POST", "/evaluate/functions", 400, "functions_evaluation_error", json=body)
    for wrong, status, code in (
        ({"deployment_id": "gone", "payload": {}}, 404, "not_found_error"),
        ({"deployment_id": deployment, "payload": []}, 400, "bad_parameters_error"),
        ({"deployment_id": deployment, "payload": {}, "context": {"me": "x"}}, 400, "bad_parameters_error"),
        ({"deployment_id": deployment, "payload": {}, "context": {"self": 1}}, 400, "bad_parameters_error"),
        ({"deployment_id": deployment, "payload": {}, "context": {"self": "x"}}, 404, "not_found_error"),
    ):
        api.refused("POST", "/evaluate/functions", status, code, json=wrong)


def test_summaries(api: Api) -> None:
    blueprint = api.blueprint()
    ids = [api.deployment(blueprint) for _ in range(2)]
    api.execution(ids[0])
    summed = api.get("/summary/deployments", _target_field="blueprint_id", _sub_field="deployment_status")
    found = [item for item in summed["items"] if item["blueprint_id"] == blueprint]
    assert found == [
        {
            "blueprint_id": blueprint,
            "deployments": 2,
            "by deployment_status": [
                {"deployment_status": "in_progress", "deployments": 1},
                {"deployment_status": "requires_attention", "deployments": 1},
            ],
        }
    ]
    of_one = api.items("/summary/executions", _target_field="workflow_id", deployment_id=ids[0])
    assert of_one == [
        {"workflow_id": "create_deployment_environment", "executions": 1},
        {"workflow_id": "install", "executions": 1},
    ]
    states = api.items("/summary/node_instances", _target_field="state", deployment_id=",".join(ids))
    assert states == [{"state": "uninitialized", "node_instances": 4}]
    sites = api.items("/summary/deployments", _target_field="site_name", blueprint_id=blueprint)
    assert sites == [{"site_name": None, "deployments": 2}]
    page = api.get("/summary/nodes", _target_field="deployment_id", deployment_id=ids, _size=1, _offset=1)
    assert (page["items"], page["metadata"]["pagination"]["total"]) == (
        [{"deployment_id": ids[1], "nodes": 2}],
        2,
    )
    assert api.items("/summary/blueprints", _target_field="tenant_name", _all_tenants=True)[0]["blueprints"]


def test_summaries_that_are_refused(api: Api) -> None:
    for path in (
        "/summary/deployments",
        "/summary/deployments?_target_field=labels",
        "/summary/deployments?_target_field=blueprint_id&_sub_field=inputs",
        "/summary/deployments?_target_field=blueprint_id&state=x",
        "/summary/deployments?_target_field=blueprint_id&_search=x",
        "/summary/plugins?_target_field=tenant_name",
    ):
        api.refused("GET", path, 400, "bad_parameters_error")
    said = api.refused("GET", "/summary/nodes?_target_field=colour", 400, "bad_parameters_error")
    assert "no field `colour`; it has: deployment_id, tenant_name, visibility" in said
