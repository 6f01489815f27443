"""Groups of executions by REST."""

from __future__ import annotations

from typing import Any

import pytest
from served_api import Api

from cloudwright.model.execution import Outcome


@pytest.fixture
def fleet(api: Api) -> str:
    """A group of five deployments."""
    id = api.unique("fleet")
    api.put(f"/deployment-groups/{id}", {"blueprint_id": api.blueprint(), "new_deployments": [{}] * 5})
    return id


def start(api: Api, fleet: str, **more: Any) -> dict[str, Any]:
    body = {"deployment_group_id": fleet, "workflow_id": "install", "concurrency": 2, **more}
    made: dict[str, Any] = api.post("/execution-groups", body)
    return made


def pending(api: Api, group: str) -> list[str]:
    return [item["id"] for item in api.items("/executions", execution_group_id=group, status="pending")]


def test_a_group_runs_so_many_at_a_time_and_says_how_many(api: Api, fleet: str) -> None:
    made = start(api, fleet)
    path = f"/execution-groups/{made['id']}"
    assert (made["status"], made["executions_by_status"]) == ("pending", {"pending": 2, "queued": 3})
    assert (made["workflow_id"], made["deployment_group_id"], made["concurrency"]) == ("install", fleet, 2)
    assert len(made["execution_ids"]) == 5
    assert made["id"] in {item["id"] for item in api.items("/execution-groups", _include="id,status")}
    first, second = pending(api, made["id"])
    api.start(first)
    assert api.get(path)["status"] == "started"
    api.end(first)
    assert api.get(path)["executions_by_status"] == {"pending": 2, "queued": 2, "terminated": 1}
    assert api.patch(path, {"concurrency": 3})["executions_by_status"]["pending"] == 3
    assert api.items("/events", execution_group_id=made["id"], event_type="execution_dequeued")
    assert second in made["execution_ids"]


def test_parameters_of_single_deployments_are_over_those_of_all(api: Api, fleet: str) -> None:
    own = {f"{fleet}-2": {"on_cancel": "rollback"}}
    made = start(api, fleet, default_parameters={"on_cancel": "stop"}, parameters=own)
    found = api.items("/executions", execution_group_id=made["id"])
    given = {item["deployment_id"]: item["parameters"]["on_cancel"] for item in found}
    assert given == {f"{fleet}-{number}": "stop" for number in (1, 3, 4, 5)} | {f"{fleet}-2": "rollback"}


@pytest.mark.parametrize("action", ["cancel", "force-cancel", "kill"])
def test_a_cancelled_group_starts_nothing_more_until_it_is_resumed(api: Api, fleet: str, action: str) -> None:
    made = start(api, fleet)
    path = f"/execution-groups/{made['id']}"
    running = pending(api, made["id"])[0]
    api.start(running)
    asked = api.post(path, {"action": action})
    assert asked["executions_by_status"]["cancelled"] == 4
    assert (asked["cancel_mode"], asked["cancel_requested_by"]) == (action, "admin")
    assert (
        asked["status"]
        == {
            "cancel": "cancelling",
            "force-cancel": "force_cancelling",
            "kill": "kill_cancelling",
        }[action]
    )
    api.refused("POST", path, 400, "illegal_action_error", json={"action": action})
    api.end(running, Outcome.CANCELLED, killed=True)
    assert api.get(path)["status"] == "cancelled"
    if action != "kill":
        api.refused("POST", path, 400, "illegal_action_error", json={"action": action})
    resumed = api.post(path, {"action": "resume"})
    assert (resumed["executions_by_status"], resumed["cancel_mode"]) == ({"pending": 2, "queued": 3}, None)
    api.refused("POST", path, 400, "illegal_action_error", json={"action": "resume"})


def test_deployments_come_into_the_groups_of_how_theirs_ended(api: Api, fleet: str) -> None:
    good, bad = api.unique("good"), api.unique("bad")
    for id in (good, bad):
        api.put(f"/deployment-groups/{id}", {})
    made = start(api, fleet, concurrency=5)
    path = f"/execution-groups/{made['id']}"
    first, second, third, *_ = pending(api, made["id"])
    api.start(first)
    api.end(first)
    changed = api.patch(path, {"success_group_id": good, "failure_group_id": bad})
    assert (changed["success_group_id"], changed["failure_group_id"]) == (good, bad)
    # Also what had ended before.
    assert len(api.get(f"/deployment-groups/{good}")["deployment_ids"]) == 1
    for id, outcome in ((second, Outcome.FAILED), (third, Outcome.TERMINATED)):
        api.start(id)
        api.end(id, outcome)
    assert len(api.get(f"/deployment-groups/{good}")["deployment_ids"]) == 2
    assert len(api.get(f"/deployment-groups/{bad}")["deployment_ids"]) == 1
    api.refused("PATCH", path, 404, "not_found_error", json={"success_group_id": "none"})


def test_if_one_cannot_start_none_does(api: Api, fleet: str) -> None:
    api.put(f"/deployment-groups/{fleet}", {"deployments_from_group": fleet})
    body = {"deployment_group_id": fleet, "workflow_id": "install", "default_parameters": {"speed": 1}}
    response = api.http.post("/execution-groups", json=body)
    assert response.status_code == 400
    said = response.json()["message"]
    assert "Nothing was started" in said
    assert f"`{fleet}-1`" in said
    assert api.items("/executions", deployment_id=f"{fleet}-1", workflow_id="install") == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"deployment_group_id": "none"}, 404, "not_found_error"),
        ({"workflow_id": "none"}, 400, "nonexistent_workflow_error"),
        ({"concurrency": 0}, 400, "bad_parameters_error"),
        ({"parameters": {"none": {}}}, 400, "bad_parameters_error"),
        ({"associated_executions": []}, 400, "bad_parameters_error"),
    ],
)
def test_what_is_wrong_is_refused(api: Api, fleet: str, body: dict[str, Any], status: int, code: str) -> None:
    whole = {"deployment_group_id": fleet, "workflow_id": "install", **body}
    api.refused("POST", "/execution-groups", status, code, json=whole)


def test_a_group_without_deployments_is_refused(api: Api) -> None:
    id = api.unique("empty")
    api.put(f"/deployment-groups/{id}", {})
    body = {"deployment_group_id": id, "workflow_id": "install"}
    assert "no deployments" in api.refused(
        "POST", "/execution-groups", 400, "bad_parameters_error", json=body
    )
    for method, path in (("GET", "/none"), ("POST", "/none"), ("PATCH", "/none")):
        api.refused(method, f"/execution-groups{path}", 404, "not_found_error", json={"action": "cancel"})
