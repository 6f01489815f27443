"""Labels, stored filters, and lists of deployments, workflows and blueprints narrowed by rules."""

from __future__ import annotations

from typing import Any

import pytest
from served_api import BLUEPRINT, Api

Rule = dict[str, Any]


def label(key: str, operator: str, *values: str) -> Rule:
    return {"type": "label", "key": key, "operator": operator, "values": list(values)}


def attribute(key: str, operator: str, *values: str) -> Rule:
    return {"type": "attribute", "key": key, "operator": operator, "values": list(values)}


def labelled(api: Api, *labels: dict[str, Any]) -> str:
    id = api.deployment()
    api.http.patch(f"/deployments/{id}", json={"labels": list(labels)}).raise_for_status()
    return id


def search(api: Api, what: str = "deployments", **body: Any) -> list[str]:
    return [item["id"] for item in api.post(f"/searches/{what}", body)["items"]]


def test_a_search_by_rules_and_by_a_stored_filter(api: Api) -> None:
    own = api.unique("team")
    red, blue = labelled(api, {own: "red"}), labelled(api, {own: ["blue", "navy"]})
    rules = [label(own.upper(), "any_of", "red", "blue")]
    assert search(api, filter_rules=rules) == [red, blue]
    assert search(api, filter_rules=[*rules, attribute("id", "any_of", blue)]) == [blue]
    found = api.http.post(
        "/searches/deployments?_size=1&_sort=-created_at&_include=id", json={"filter_rules": rules}
    )
    assert found.json()["items"] == [{"id": blue}]
    assert found.json()["metadata"]["pagination"]["total"] == 2

    made = api.put(f"/filters/deployments/{own}", {"filter_rules": rules})
    assert made["value"] == made["labels_filter_rules"] == [label(own, "any_of", "red", "blue")]
    assert (made["attrs_filter_rules"], made["is_system_filter"], made["created_by"]) == ([], False, "admin")
    assert [item["id"] for item in api.items("/deployments", _filter_id=own)] == [red, blue]
    names = [item["name"] for item in api.items("/workflows", _filter_id=own)]
    assert "install" in names
    posted = api.post(f"/searches/workflows?_filter_id={own}", {"filter_rules": [label(own, "is_null")]})
    assert posted["items"] == []
    assert search(api, constraints={"filter_id": own, "labels": [{own: "blue"}]}) == [blue]
    assert search(api, constraints={"name_pattern": {"equals_to": red}}) == [red]
    assert search(api, constraints={"valid_values": [red, "x"], "tenants": ["default_tenant"]}) == [red]

    both = [attribute("id", "starts_with", "dep"), label(own, "is_not", "red")]
    changed = api.http.patch(
        f"/filters/deployments/{own}", json={"filter_rules": both[:1], "visibility": "global"}
    )
    assert changed.json()["value"] == [label(own, "any_of", "red", "blue"), both[0]]
    changed = api.http.patch(f"/filters/deployments/{own}", json={"filter_rules": both})
    assert (changed.json()["value"], changed.json()["visibility"]) == (both, "global")
    assert api.get(f"/filters/deployments/{own}", _include="id") == {"id": own}
    assert own in [item["id"] for item in api.items("/filters/deployments", _search=own[:4])]
    api.http.delete(f"/filters/deployments/{own}").raise_for_status()
    api.refused("GET", "/deployments", 404, "not_found_error", params={"_filter_id": own})
    api.refused("DELETE", f"/filters/deployments/{own}", 404, "not_found_error")


def test_blueprints_by_rules(api: Api) -> None:
    own = api.unique("crew")
    id = api.blueprint(BLUEPRINT.replace("team", own))
    assert search(api, "blueprints", filter_rules=[label(own, "any_of", "red")]) == [id]
    assert search(api, "blueprints", constraints={"name_pattern": {"contains": id[3:]}}) == [id]
    api.put(f"/filters/blueprints/{own}", {"filter_rules": [label(own, "is_not_null")]})
    assert [item["id"] for item in api.items("/blueprints", _filter_id=own)] == [id]
    api.refused("GET", f"/filters/deployments/{own}", 404, "not_found_error")


def test_the_keys_and_values_that_there_are(api: Api) -> None:
    own = api.unique("zone")
    labelled(api, {own: "b"}, {own: "a"}, {own: "äöü 日本 🙂"})
    assert own in api.get("/labels/deployments", _search=own)["items"]
    page = api.get(f"/labels/deployments/{own.upper()}", _size=2)
    assert (page["items"], page["metadata"]["pagination"]["total"]) == (["a", "b"], 3)
    assert api.get(f"/labels/deployments/{own}", _offset=2)["items"] == ["äöü 日本 🙂"]
    assert api.get(f"/labels/blueprints/{own}")["items"] == []
    assert "csys-obj-type" in api.get("/labels/blueprints", _reserved=True)["items"]
    api.refused("GET", "/labels/nodes", 400, "bad_parameters_error")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"key": "a"}, "`key`, `values`, `operator` and `type`"),
        ({**label("a", "any_of", "b"), "more": 1}, "`key`, `values`, `operator` and `type`"),
        ("a=b", "`key`, `values`, `operator` and `type`"),
        (label("a", "like", "b"), "`operator` of type `label`"),
        (attribute("id", "is_null"), "`operator` of type `attribute`"),
        ({**label("a", "any_of"), "type": "colour"}, "`type` is `label`, `attribute`"),
        ({**label("a", "any_of"), "values": "b"}, "a list of texts"),
        ({**label("a", "any_of"), "values": [1]}, "a list of texts"),
        ({**label("a", "any_of", "b"), "key": None}, "`key` is a text"),
        (label("a", "any_of"), "needs a value"),
        (label("a", "is_null", "b"), "has no values"),
        (label("a b", "any_of", "c"), "not the key of a label"),
        (label("a", "any_of", "x" * 257), "longer than 256"),
        (label("a", "any_of", "x\ny"), "control character"),
        (attribute("id", "any_of", "x" * 257), "longer than 256"),
        (attribute("colour", "any_of", "b"), "no attribute `colour`"),
        (attribute("id; DROP TABLE deployments --", "any_of", "b"), "no attribute `id; DROP TABLE"),
        (attribute("tenant) OR (1=1", "any_of", "b"), "no attribute `tenant) OR"),
        (attribute("id", "contains", *["x"] * 101), "at most 100 values"),
    ],
)
def test_a_rule_that_is_none_is_named(api: Api, rule: Any, said: str) -> None:
    for method, path, body in (
        ("POST", "/searches/deployments", {"filter_rules": [rule]}),
        ("PUT", "/filters/blueprints/bad", {"filter_rules": [rule]}),
    ):
        response = api.http.request(method, path, json=body)
        told = response.json()
        assert (response.status_code, told["error_code"]) == (400, "invalid_filter_rule"), told
        assert said in told["message"]
        assert told["err_filter_rule"] == rule
        assert said in told["err_reason"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"filter_rules": [label("a", "is_null")], "constraints": {"labels": []}}, "not by both"),
        ({"constraints": {"colour": "red"}}, "no constraint `colour`"),
        ({"constraints": {"name_pattern": {"begins_with": "x"}}}, "no `begins_with`"),
        ({"constraints": {"name_pattern": "x"}}, "`name_pattern` is an object"),
        ({"constraints": {"labels": "x"}}, "`labels` is a list"),
        ({"constraints": {"labels": ["x"]}}, "`labels` is a list"),
        ({"filter_rules": [label(f"k{number}", "is_null") for number in range(101)]}, "at most 100"),
        (
            {"filter_rules": [label("k", "any_of", *[f"{part}-{n}" for n in range(5001)]) for part in "ab"]},
            "10000 at most",
        ),
        ({"rules": []}, "`rules`"),
    ],
)
def test_a_search_that_is_none_is_refused(api: Api, body: Any, said: str) -> None:
    assert said in api.refused("POST", "/searches/deployments", 400, "bad_parameters_error", json=body)


def test_what_a_search_does_not_know_is_refused(api: Api) -> None:
    refused = api.refused("POST", "/searches/deployments?colour=red", 400, "bad_parameters_error", json={})
    assert "no parameter `colour`" in refused
    api.refused("POST", "/searches/deployments", 400, "bad_parameters_error", content=b"{")
    api.refused("PUT", "/filters/deployments/csys-x", 400, "bad_parameters_error", json={"filter_rules": []})
    api.refused("PUT", "/filters/deployments/a b", 400, "bad_parameters_error", json={"filter_rules": []})
    api.put("/filters/deployments/twice", {"filter_rules": []})
    api.refused("PUT", "/filters/deployments/twice", 409, "conflict_error", json={"filter_rules": []})
    api.refused("PATCH", "/filters/deployments/twice", 400, "bad_parameters_error", json={})
    api.refused("PATCH", "/filters/deployments/no", 404, "not_found_error", json={"visibility": "global"})


def test_a_thousand_values(api: Api) -> None:
    own = api.unique("many")
    id = labelled(api, {own: "v999"})
    values = [f"v{number}" for number in range(1000)]
    assert search(api, filter_rules=[label(own, "any_of", *values)]) == [id]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"csys-mine": "x"}, "reserved"),
        ({"csys-location-lat": "91"}, "between -90 and 90"),
        ({"csys-location-long": "far"}, "between -180 and 180"),
        ({"a": 'say "x"'}, "control character"),
        ({"a": "\u0007"}, "control character"),
        ({"ключ": "x"}, "a key holds letters"),
    ],
)
def test_labels_that_are_none(api: Api, labels: dict[str, str], said: str) -> None:
    refused = api.refused(
        "PATCH", f"/deployments/{api.deployment()}", 400, "bad_parameters_error", json={"labels": [labels]}
    )
    assert said in refused
