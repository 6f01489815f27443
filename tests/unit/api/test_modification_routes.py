"""``/deployment-modifications`` as Cloudify's client uses it."""

from __future__ import annotations

from typing import Any

import pytest
from served_api import Api


@pytest.fixture
def deployment(api: Api) -> str:
    return api.deployment(api.blueprint())


def start(api: Api, deployment: str, count: int = 2) -> dict[str, Any]:
    body = {"deployment_id": deployment, "nodes": {"app": {"instances": count}}, "context": {"why": "load"}}
    made: dict[str, Any] = api.post("/deployment-modifications", body)
    return made


def test_start_and_finish(api: Api, deployment: str) -> None:
    made = start(api, deployment)
    assert (made["status"], made["context"], made["ended_at"]) == ("started", {"why": "load"}, None)
    added = [one for one in made["node_instances"]["added_and_related"] if one.get("modification")]
    assert [(one["node_id"], one["modification"]) for one in added] == [("app", "added")]
    assert len(api.items("/node-instances", deployment_id=deployment)) == 3
    assert api.get(f"/deployment-modifications/{made['id']}") == made
    finished = api.post(f"/deployment-modifications/{made['id']}/finish", {})
    assert finished["status"] == "finished"
    [node] = [one for one in api.items("/nodes", deployment_id=deployment) if one["id"] == "app"]
    assert (node["number_of_instances"], node["planned_number_of_instances"]) == (2, 2)
    listed = api.items("/deployment-modifications", deployment_id=deployment, status="finished")
    assert [one["id"] for one in listed] == [made["id"]]
    api.refused(
        "POST",
        f"/deployment-modifications/{made['id']}/rollback",
        400,
        "deployment_modification_already_ended_error",
    )


def test_two_at_once_are_refused(api: Api, deployment: str) -> None:
    made = start(api, deployment)
    body = {"deployment_id": deployment, "nodes": {"app": {"instances": 3}}}
    said = api.refused(
        "POST", "/deployment-modifications", 400, "existing_started_deployment_modification_error", json=body
    )
    assert made["id"] in said
    api.post(f"/deployment-modifications/{made['id']}/rollback", {})
    assert len(api.items("/node-instances", deployment_id=deployment)) == 2
    assert start(api, deployment, 1)["node_instances"]["added_and_related"] == []


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ({"none": {"instances": 1}}, "no node and no scaling group `none`"),
        ({"app": {"instances": -1}}, "cannot have -1"),
        ({"app": {"instances": "many"}}, "has to be a number"),
        ({"app": {}}, "has to be a number"),
    ],
)
def test_what_cannot_be_is_refused(api: Api, deployment: str, nodes: dict[str, Any], said: str) -> None:
    answer = api.http.post("/deployment-modifications", json={"deployment_id": deployment, "nodes": nodes})
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert api.items("/deployment-modifications", deployment_id=deployment) == []
