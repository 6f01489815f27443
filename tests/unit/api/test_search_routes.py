"""Searches of what is in deployments and blueprints, and of secrets."""

from __future__ import annotations

from typing import Any

import pytest
from served_api import BLUEPRINT, Api

GROUPED = (
    BLUEPRINT
    + """
groups: {all: {members: [host]}, some: {members: [app]}}
policies: {s: {type: cloudify.policies.scaling, targets: [all, some]}}
"""
)


def search(api: Api, what: str, query: str = "", **body: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.post(f"/searches/{what}{query}", body)["items"]
    return items


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def rule(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"type": "attribute", "key": key, "operator": operator, "values": list(values)}


@pytest.fixture(scope="module")
def blueprint(api: Api) -> str:
    return api.blueprint(GROUPED)


@pytest.fixture(scope="module")
def deployment(api: Api, blueprint: str) -> str:
    return api.deployment(blueprint)


@pytest.mark.parametrize("place", ["deployment_id", "blueprint_id"])
def test_nodes(api: Api, blueprint: str, deployment: str, place: str) -> None:
    id = deployment if place == "deployment_id" else blueprint
    query = f"?{place}={id}"
    assert ids(search(api, "nodes", query)) == ["host", "app"]
    assert ids(search(api, "nodes", constraints={place: id, "name_pattern": {"starts_with": "a"}})) == ["app"]
    assert ids(search(api, "nodes", query, constraints={"valid_values": ["host", "x"]})) == ["host"]
    assert ids(search(api, "nodes", query, filter_rules=[rule("type", "ends_with", "root")])) == ["app"]
    started = {"operation_name_specs": {"equals_to": "cloudify.interfaces.lifecycle.start"}}
    assert ids(search(api, "nodes", query, constraints=started)) == ["host", "app"]
    assert search(api, "nodes", query, filter_rules=[rule("operation_name", "any_of", "x")]) == []
    assert ids(search(api, "nodes", f"{query}&_search=HOS&_include=id")) == ["host"]
    page = api.post(f"/searches/nodes{query}&_size=1&_offset=1", {})
    assert (ids(page["items"]), page["metadata"]["pagination"]["total"]) == (["app"], 2)
    found = search(api, "node-types", query, constraints={"name_pattern": {"contains": "compute"}})
    assert [item["type"] for item in found] == ["cloudify.nodes.Compute"]
    valid = {"valid_values": ["cloudify.nodes.Root"]}
    assert ids(search(api, "node-types", query, constraints=valid)) == ["host", "app"]
    assert ids(search(api, "node-types", f"{query}&_search=root")) == ["app"]


@pytest.mark.parametrize("place", ["deployment_id", "blueprint_id"])
def test_scaling_groups(api: Api, blueprint: str, deployment: str, place: str) -> None:
    id = deployment if place == "deployment_id" else blueprint
    found = search(api, "scaling-groups", f"?{place}={id}&_sort=name")
    assert [(item["name"], sorted(item["members"])) for item in found] == [
        ("all", ["host"]),
        ("some", ["app"]),
    ]
    assert found[0]["properties"]["default_instances"] == 1
    named = {place: id, "name_pattern": {"ends_with": "e"}}
    assert [item["name"] for item in search(api, "scaling-groups", constraints=named)] == ["some"]
    assert search(api, "scaling-groups", f"?{place}={id}", constraints={"valid_values": ["x"]}) == []


def test_capabilities(api: Api, deployment: str) -> None:
    whole = [{"deployment_id": deployment, "capabilities": [{"endpoint": {"value": "http://10.0.0.1"}}]}]
    assert search(api, "capabilities", constraints={"deployment_id": deployment}) == whole
    assert search(api, "capabilities", f"?deployment_id={deployment}&_search=http://10.0.0.1") == whole
    query = f"?deployment_id={deployment}"
    assert search(api, "capabilities", query, constraints={"name_pattern": {"contains": "x"}}) == []
    assert search(api, "capabilities", query, constraints={"valid_values": ["http://10.0.0.1"]}) == whole
    assert search(api, "capabilities", query, constraints={"valid_values": ["y"]}) == []


def test_node_instances(api: Api, deployment: str) -> None:
    every = ids(api.items("/node-instances", deployment_id=deployment))
    found = search(api, "node-instances", filter_rules=[rule("id", "any_of", every[0], "gone")])
    assert ids(found) == every[:1]
    constraints = {"deployment_id": deployment, "name_pattern": {"starts_with": "app"}}
    assert [item["node_id"] for item in search(api, "node-instances", constraints=constraints)] == ["app"]
    assert ids(search(api, "node-instances", f"?deployment_id={deployment}&node_id=app&_include=id")) == [
        id for id in every if id.startswith("app")
    ]


def test_secrets(api: Api) -> None:
    keys = [api.unique("secret") for _ in range(2)]
    for key in keys:
        api.put(f"/secrets/{key}", {"value": "hidden-value"})
    found = search(api, "secrets", filter_rules=[rule("key", "contains", keys[1])])
    assert [item["key"] for item in found] == keys[1:]
    found = search(api, "secrets", constraints={"valid_values": keys[:1]})
    assert [item["key"] for item in found] == keys[:1]
    assert "hidden-value" not in str(found)


@pytest.mark.parametrize(
    ("what", "query", "body", "said"),
    [
        ("nodes", "", {}, "Say where to search"),
        ("nodes", "?deployment_id=a&blueprint_id=b", {}, "not in both"),
        (
            "nodes",
            "?deployment_id=a",
            {"constraints": {"deployment_id": "a"}},
            "a parameter and a constraint",
        ),
        ("nodes", "?deployment_id=a", {"constraints": {"labels": []}}, "no constraint `labels`"),
        ("scaling-groups", "", {}, "Say where to search"),
        ("capabilities", "", {}, "Say where to search"),
        ("secrets", "", {"constraints": {"tenants": []}}, "no constraint `tenants`"),
        ("node-instances", "?deployment_id=a", {"constraints": {"deployment_id": "a"}}, "a parameter and a"),
    ],
)
def test_searches_that_are_refused(api: Api, what: str, query: str, body: Any, said: str) -> None:
    assert said in api.refused("POST", f"/searches/{what}{query}", 400, "bad_parameters_error", json=body)


def test_rules_that_are_refused(api: Api, deployment: str) -> None:
    for what, key in (("nodes", "state"), ("secrets", "value"), ("node-instances", "state")):
        query = f"?deployment_id={deployment}" if what == "nodes" else ""
        body = {"filter_rules": [rule(key, "any_of", "x")]}
        api.refused("POST", f"/searches/{what}{query}", 400, "invalid_filter_rule", json=body)
    labels = {"filter_rules": [{"type": "label", "key": "a", "operator": "is_null", "values": []}]}
    api.refused("POST", "/searches/secrets", 400, "invalid_filter_rule", json=labels)
    api.refused("POST", "/searches/nodes?deployment_id=gone", 400, "invalid_filter_rule", json=labels)
    api.refused("POST", "/searches/capabilities?deployment_id=gone", 404, "not_found_error", json={})
    api.refused("POST", "/searches/nodes?blueprint_id=gone", 404, "not_found_error", json={})
