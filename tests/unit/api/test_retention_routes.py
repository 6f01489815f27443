"""Executions and events deleted through the API."""

from __future__ import annotations

import pytest
from served_api import Api


def over(api: Api, deployment: str, count: int = 1) -> list[str]:
    made = []
    for _ in range(count):
        id = api.execution(deployment, force=True)
        api.start(id)
        api.end(id)
        made.append(id)
    return made


def delete(api: Api, path: str, **request: object) -> list[object]:
    response = api.http.request("DELETE", path, **request)  # type: ignore[arg-type]
    assert response.is_success, response.text
    items: list[object] = response.json()["items"]
    return items


def left(api: Api, deployment: str) -> list[str]:
    rows = api.items("/executions", deployment_id=deployment, workflow_id="install", _sort="created_at")
    return [row["id"] for row in rows]


def test_executions_by_number_and_by_age(api: Api) -> None:
    deployment = api.deployment()
    ids = over(api, deployment, 3)
    running = api.execution(deployment)
    path = f"/executions?deployment_id={deployment}"
    assert delete(api, f"{path}&status=failed") == [{"count": 0}]
    assert delete(api, path, json={"keep_last": 2}) == [{"count": 1}]
    assert left(api, deployment) == [*ids[1:], running]
    created = api.get(f"/executions/{ids[1]}")["created_at"]
    assert delete(api, path, json={"to_datetime": "2000-01-01T00:00:00"}) == [{"count": 0}]
    assert created
    assert delete(api, path) == [{"count": 2}]
    assert left(api, deployment) == [running]
    # How the deployment was created is known still.
    assert api.items("/executions", deployment_id=deployment)[0]["workflow_id"].startswith("create_")


def test_events_of_a_deployment(api: Api) -> None:
    deployment, other = api.deployment(), api.deployment()
    execution, kept = over(api, deployment)[0], over(api, other)[0]
    api.happen(execution, "one", "two")
    api.happen(kept, "three")
    path = f"/events?deployment_id={deployment}&type=cloudify_event"
    assert delete(api, f"{path}&message.text=tw") == [1]
    assert delete(api, path)[0]
    assert api.items("/events", execution_id=execution) == []
    assert "three" in [event["message"] for event in api.items("/events", execution_id=kept)]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/executions", {"keep_last": 1, "to_datetime": "2030-01-01"}, "not both"),
        ("/executions", {"keep_last": 0}, "keep_last"),
        ("/executions?status=started", {}, "`started` cannot be deleted"),
        ("/executions?state=x", {}, "no parameter `state`"),
        ("/events", None, "Give `deployment_id`"),
        ("/events?deployment_id=d&store_before=true", None, "no files of deleted events"),
    ],
)
def test_deletions_that_are_refused(api: Api, path: str, body: object, said: str) -> None:
    assert said in api.refused("DELETE", path, 400, "bad_parameters_error", json=body)
