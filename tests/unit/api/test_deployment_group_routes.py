"""Groups of deployments by REST."""

from __future__ import annotations

from typing import Any

import pytest
from served_api import BLUEPRINT, Api


def test_a_group_is_made_filled_emptied_and_deleted(api: Api) -> None:
    blueprint, outside = api.blueprint(), api.deployment()
    group = api.unique("group")
    path = f"/deployment-groups/{group}"
    made = api.put(
        path, {"blueprint_id": blueprint, "default_inputs": {"size": 2}, "labels": [{"Env": "test"}]}
    )
    assert (made["default_blueprint_id"], made["deployment_ids"], made["created_by"]) == (
        blueprint,
        [],
        "admin",
    )
    assert [(label["key"], label["value"]) for label in made["labels"]] == [("env", "test")]
    assert api.get(path) == made

    new = [{}, {"inputs": {"size": 3}}, {"id": f"{group}-{{blueprint_id}}", "labels": [{"own": "1"}]}]
    filled = api.patch(path, {"add": {"new_deployments": new, "deployment_ids": [outside]}})
    ids = [f"{group}-1", f"{group}-2", f"{group}-{blueprint}"]
    assert filled["deployment_ids"] == sorted([*ids, outside])
    assert filled["creation_counter"] == 3
    assert [api.get(f"/deployments/{id}")["inputs"]["size"] for id in ids] == [2, 3, 2]
    labels = {
        id: {label["key"] for label in api.get(f"/deployments/{id}")["labels"]} for id in [*ids, outside]
    }
    assert all("env" in keys for keys in labels.values())
    assert "own" in labels[ids[2]]
    assert {item["id"] for item in api.items("/deployments", _group_id=group)} == {*ids, outside}
    assert api.get(f"/deployments/{outside}")["deployment_groups"] == [group]
    # A number is not used twice.
    assert f"{group}-4" in api.patch(path, {"add": {"new_deployments": [{}]}})["deployment_ids"]

    other = api.put(f"{path}-other", {"deployments_from_group": group})
    assert len(other["deployment_ids"]) == 5
    rules = [{"key": "own", "values": ["1"], "operator": "any_of", "type": "label"}]
    left = api.patch(f"{path}-other", {"remove": {"filter_rules": rules, "deployment_ids": [outside]}})
    assert left["deployment_ids"] == [f"{group}-1", f"{group}-2", f"{group}-4"]
    only = api.put(f"{path}-other", {"deployment_ids": [outside], "description": "one"})
    assert (only["deployment_ids"], only["description"]) == ([outside], "one")
    assert api.put(f"{path}-other", {"labels": [{"late": "1"}]})["deployment_ids"] == [outside]
    assert "late" in {label["key"] for label in api.get(f"/deployments/{outside}")["labels"]}
    listed = api.items("/deployment-groups", _search=group, _include="id")
    assert listed == [{"id": group}, {"id": f"{group}-other"}]

    api.http.delete(f"/deployments/{outside}")
    assert api.get(f"{path}-other")["deployment_ids"] == []
    assert api.http.delete(f"{path}-other").status_code == 204
    assert api.http.delete(path, params={"delete_deployments": "true"}).status_code == 204
    for id in ids:
        api.refused("GET", f"/deployments/{id}", 404, "not_found_error")
    for method in ("GET", "PATCH", "DELETE"):
        api.refused(method, path, 404, "not_found_error", json={"add": {"deployment_ids": []}})


def test_if_one_cannot_be_made_none_is(api: Api) -> None:
    group, blueprint = api.unique("group"), api.blueprint()
    path = f"/deployment-groups/{group}"
    api.put(path, {"blueprint_id": blueprint})
    wrong: list[dict[str, Any]] = [{"id": f"{group}-a"}, {"id": f"{group}-b"}, {"inputs": {"size": "much"}}]
    response = api.http.patch(path, json={"add": {"new_deployments": wrong}})
    assert response.status_code == 400
    assert api.get(path)["deployment_ids"] == []
    api.refused("GET", f"/deployments/{group}-a", 404, "not_found_error")
    twice = {"add": {"new_deployments": [{"id": f"{group}-a"}, {"id": f"{group}-a"}]}}
    api.refused("PATCH", path, 409, "conflict_error", json=twice)
    assert api.get(path)["deployment_ids"] == []


def test_deployments_are_deleted_with_their_group_all_or_none(api: Api) -> None:
    group = api.unique("group")
    path = f"/deployment-groups/{group}"
    api.put(path, {"blueprint_id": api.blueprint(), "new_deployments": [{}, {}]})
    api.execution(f"{group}-2")
    deleting = {"delete_deployments": "true"}
    api.refused("DELETE", path, 400, "dependent_exists_error", params=deleting)
    assert api.get(path)["deployment_ids"] == [f"{group}-1", f"{group}-2"]
    assert api.http.delete(path, params=deleting | {"force": "true"}).status_code == 204
    assert api.items("/deployments", _search=f"{group}-") == []


def test_the_ids_follow_the_blueprint_s_template(api: Api) -> None:
    group = api.unique("group")
    text = BLUEPRINT + "deployment_settings: {id_template: 'web-{group_id}-{count}-{uuid}'}\n"
    made = api.put(
        f"/deployment-groups/{group}", {"blueprint_id": api.blueprint(text), "new_deployments": [{}]}
    )
    [id] = made["deployment_ids"]
    assert id.startswith(f"web-{group}-1-")
    assert len(id) == len(f"web-{group}-1-") + 36


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"blueprint_id": "none"}, 404, "not_found_error"),
        ({"deployment_ids": ["none"]}, 404, "not_found_error"),
        ({"filter_id": "none"}, 404, "not_found_error"),
        ({"new_deployments": [{}]}, 400, "bad_parameters_error"),
        ({"labels": ["x"]}, 400, "bad_parameters_error"),
        ({"visibility": "all"}, 400, "bad_parameters_error"),
    ],
)
def test_what_is_wrong_is_refused(api: Api, body: dict[str, Any], status: int, code: str) -> None:
    api.refused("PUT", f"/deployment-groups/{api.unique('wrong')}", status, code, json=body)


def test_a_template_has_known_placeholders_only(api: Api) -> None:
    path = f"/deployment-groups/{api.unique('group')}"
    api.put(path, {"blueprint_id": api.blueprint()})
    body = {"add": {"new_deployments": [{"id": "{group_id}-{password}"}]}}
    assert "{password}" in api.refused("PATCH", path, 400, "bad_parameters_error", json=body)
    too_many: dict[str, Any] = {"add": {"new_deployments": [{}] * 5001}}
    assert "5000" in api.refused("PATCH", path, 400, "bad_parameters_error", json=too_many)
