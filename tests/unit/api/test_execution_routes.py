from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from served_api import Api

from cloudwright.manager.executions import Executions
from cloudwright.model.execution import CancelMode, ExecutionStatus, Outcome
from cloudwright.model.operation import OperationState
from cloudwright.storage import operations


def test_start(api: Api) -> None:
    deployment = api.deployment()
    # As the command line sends it.
    made = api.post(
        "/executions",
        {
            "deployment_id": deployment,
            "workflow_id": "install",
            "parameters": None,
            "allow_custom_parameters": "false",
            "force": "false",
            "dry_run": "true",
            "queue": "false",
            "scheduled_time": None,
            "wait_after_fail": 600,
            "force_status": None,
            "created_by": None,
            "id": None,
            "is_system_workflow": None,
            "error": None,
        },
    )
    assert (made["workflow_id"], made["deployment_id"], made["status"]) == ("install", deployment, "pending")
    assert (made["status_display"], made["is_dry_run"], made["is_system_workflow"]) == (
        "pending",
        True,
        False,
    )
    assert (made["created_by"], made["tenant_name"], made["visibility"]) == (
        "admin",
        "default_tenant",
        "tenant",
    )
    assert (made["started_at"], made["ended_at"], made["error"]) == (None, None, None)
    assert (made["cancel_mode"], made["deadline"], made["residual_operations"]) == (None, None, 0)
    assert made["deployment_display_name"] == deployment
    assert made == api.get(f"/executions/{made['id']}")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"deployment_id": "none"}, 404, "not_found_error"),
        ({"workflow_id": "none"}, 400, "nonexistent_workflow_error"),
        ({"parameters": {"other": 1}}, 400, "illegal_execution_parameters_error"),
        ({"scheduled_time": "soon"}, 400, "bad_parameters_error"),
        ({"wait_after_fail": -1}, 400, "bad_parameters_error"),
        ({"timeout": 0}, 400, "bad_parameters_error"),
        ({"force_status": "terminated"}, 400, "bad_parameters_error"),
    ],
)
def test_what_cannot_be_started(api: Api, body: dict[str, Any], status: int, code: str) -> None:
    body = {"deployment_id": api.deployment(), "workflow_id": "install", **body}
    api.refused("POST", "/executions", status, code, json=body)


def test_one_at_a_time(api: Api) -> None:
    deployment = api.deployment()
    first = api.execution(deployment)
    body = {"deployment_id": deployment, "workflow_id": "install"}
    message = api.refused("POST", "/executions", 400, "existing_running_execution_error", json=body)
    assert first in message
    assert api.post("/executions", {**body, "queue": "true"})["status"] == "queued"
    assert api.post("/executions", {**body, "force": True})["status"] == "pending"


@pytest.mark.parametrize("written", ["%Y-%m-%dT%H:%M:%SZ", "%Y%m%d%H%M+0000", "%Y-%m-%d %H:%M"])
def test_schedule(api: Api, written: str) -> None:
    when = (datetime.now(UTC) + timedelta(days=3)).replace(second=0, microsecond=0)
    body = {
        "deployment_id": api.deployment(),
        "workflow_id": "install",
        "scheduled_time": when.strftime(written),
    }
    made = api.post("/executions", body)
    assert (made["status"], made["scheduled_for"]) == ("scheduled", when.strftime("%Y-%m-%dT%H:%M:%S.000Z"))


@pytest.mark.parametrize(
    ("action", "status"),
    [("cancel", "cancelling"), ("force-cancel", "force_cancelling"), ("kill", "kill_cancelling")],
)
def test_cancel_says_who_asked_and_when(api: Api, action: str, status: str) -> None:
    id = api.execution()
    api.start(id)
    asked = api.post(f"/executions/{id}", {"action": action})
    assert (asked["status"], asked["cancel_mode"], asked["cancel_requested_by"]) == (status, action, "admin")
    assert asked["cancel_requested_at"] is not None
    assert asked["deadline"] is None
    assert asked == api.get(f"/executions/{id}")
    api.refused("POST", f"/executions/{id}", 400, "illegal_action_error", json={"action": action})


def test_a_request_is_raised_and_never_lowered(api: Api) -> None:
    id = api.execution()
    api.start(id)
    for mode in CancelMode:
        api.post(f"/executions/{id}", {"action": str(mode)})
    for mode in CancelMode:
        message = api.refused(
            "POST", f"/executions/{id}", 400, "illegal_action_error", json={"action": str(mode)}
        )
        assert id in message
    api.end(id, Outcome.DIED, killed=True)
    assert api.get(f"/executions/{id}")["status"] == "cancelled"


def test_a_request_is_made_when_the_executions_below_are_known(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is granted while they are looked up comes before it, by its time too."""
    looked: list[datetime] = []

    async def look(self: Executions, id: str) -> list[str]:
        # Times are written in milliseconds.
        await asyncio.sleep(0.002)
        now = datetime.now(UTC)
        looked.append(now.replace(microsecond=now.microsecond // 1000 * 1000))
        return []

    monkeypatch.setattr(Executions, "descendants", look)
    id = api.execution()
    api.start(id)
    asked = api.post(f"/executions/{id}", {"action": "force-cancel"})
    assert looked[-1] <= datetime.fromisoformat(asked["cancel_requested_at"])


def test_a_grace_period(api: Api) -> None:
    id = api.execution()
    api.start(id)
    path = f"/executions/{id}"
    for wrong in (
        {"action": "kill", "grace": 1},
        {"action": "cancel", "grace": -1},
        {"action": "cancel", "grace": "x"},
    ):
        api.refused("POST", path, 400, "bad_parameters_error", json=wrong)
    asked = api.post(path, {"action": "cancel", "grace": 30})
    begun, deadline = (datetime.fromisoformat(asked[name]) for name in ("cancel_requested_at", "deadline"))
    assert deadline - begun == timedelta(seconds=30)


def test_what_waits_is_cancelled_at_once(api: Api) -> None:
    id = api.execution()
    asked = api.post(f"/executions/{id}", {"action": "cancel"})
    assert (asked["status"], asked["status_display"]) == ("cancelled", "cancelled")
    assert asked["ended_at"] is not None
    api.refused("POST", f"/executions/{id}", 400, "illegal_action_error", json={"action": "cancel"})


def test_resume(api: Api) -> None:
    id = api.execution()
    api.refused("POST", f"/executions/{id}", 400, "illegal_action_error", json={"action": "resume"})
    for resumed, action in enumerate(("resume", "force-resume"), 1):
        api.start(id)
        api.end(id, Outcome.FAILED, error="it broke")
        assert api.get(f"/executions/{id}")["error"] == "it broke"
        again = api.post(f"/executions/{id}", {"action": action})
        assert (again["status"], again["error"], again["resumed"]) == ("pending", None, resumed)
    api.start(id)
    api.end(id)
    assert api.get(f"/executions/{id}")["status_display"] == "completed"
    api.refused("POST", f"/executions/{id}", 400, "illegal_action_error", json={"action": "resume"})


def test_actions_that_are_none(api: Api) -> None:
    id = api.execution()
    message = api.refused("POST", f"/executions/{id}", 400, "bad_parameters_error", json={"action": "pause"})
    assert "force-cancel" in message
    api.refused("POST", f"/executions/{id}", 400, "bad_parameters_error", json={})
    for action in ("cancel", "resume"):
        api.refused("POST", "/executions/none", 404, "not_found_error", json={"action": action})


def test_lists(api: Api) -> None:
    deployment = api.deployment()
    ids = [api.execution(deployment, queue=True) for _ in range(3)]
    columns = "id,workflow_id,status_display,deployment_id,created_at,visibility,tenant_name,created_by"
    listed = api.get(
        "/executions",
        deployment_id=deployment,
        _include_system_workflows="False",
        _sort="created_at",
        _include=columns,
        _all_tenants="False",
        _offset=1,
        _size=2,
    )
    assert [item["id"] for item in listed["items"]] == ids[:2]
    assert set(listed["items"][0]) == set(columns.split(","))
    assert listed["metadata"]["pagination"] == {"total": 4, "size": 2, "offset": 1}

    def found(**filters: Any) -> list[str]:
        listed = api.items("/executions", deployment_id=deployment, **filters)
        return [item["id"] for item in listed if item["workflow_id"] == "install"]

    assert found(status="queued") == ids[1:]
    assert found(status=["queued", "pending"], _sort="-created_at") == ids[::-1]
    assert found(status="pending,queued", id=ids[2]) == [ids[2]]
    assert found(workflow_id="uninstall") == []
    assert found(_sort="status_display") == [ids[0], *ids[1:]]
    api.refused("GET", "/executions?status=lost", 400, "bad_parameters_error")


def test_operations(api: Api) -> None:
    id = api.execution()
    api.start(id)
    first, second = api.operate(id, "one", "two")
    api.store.write_sync(
        operations.end, first, 1, state=OperationState.SUCCEEDED, result={"a": 1}, now=datetime.now(UTC)
    )
    for path, params in ((f"/executions/{id}/operations", {}), ("/operations", {"execution_id": id})):
        done, running = sorted(api.items(path, **params), key=lambda item: item["name"])
        assert (done["id"], done["state"], done["result"]) == (first, "succeeded", {"a": 1})
        assert (running["id"], running["state"], running["residual"]) == (second, "started", False)
        assert (running["manager_name"], running["agent_name"]) == ("manager-1", None)
    assert [item["id"] for item in api.items("/operations", execution_id=id, state="started")] == [second]
    [graph] = api.items("/tasks_graphs", execution_id=id, name="main")
    assert len(api.items("/operations", graph_id=graph["id"], skip_internal="True")) == 2
    assert api.items("/tasks_graphs", execution_id=id, name="other") == []
    assert api.get(f"/operations/{first}")["name"] == "one"
    counted = api.get(f"/executions/{id}")
    assert (counted["total_operations"], counted["finished_operations"]) == (2, 1)

    assert api.items(f"/executions/{id}/operations", residual="true") == []
    api.end(id, Outcome.CANCELLED)
    [left] = api.items(f"/executions/{id}/operations", residual="true")
    assert (left["id"], left["residual"]) == (second, True)
    assert api.get(f"/operations/{second}")["residual"]
    assert api.get(f"/executions/{id}")["residual_operations"] == 1
    assert api.items("/executions", id=id)[0]["residual_operations"] == 1
    # A kill ends what is left, and the execution's status stays what it is.
    killed = api.post(f"/executions/{id}", {"action": "kill"})
    assert (killed["status"], killed["residual_operations"]) == ("cancelled", 1)
    api.store.write_sync(operations.end, second, 1, state=OperationState.FAILED, now=datetime.now(UTC))
    assert api.items(f"/executions/{id}/operations", residual="true") == []
    assert api.get(f"/executions/{id}")["residual_operations"] == 0


def test_operations_of_nobody(api: Api) -> None:
    api.refused("GET", "/operations", 400, "bad_parameters_error")
    api.refused("GET", "/operations?execution_id=x&state=lost", 404, "not_found_error")
    id = api.execution()
    api.refused("GET", f"/operations?execution_id={id}&state=lost", 400, "bad_parameters_error")
    for path in (
        "/operations/none",
        "/executions/none",
        "/executions/none/operations",
        "/tasks_graphs?execution_id=x",
    ):
        api.refused("GET", path, 404, "not_found_error")
    api.refused("GET", "/executions/none/operations?residual=true", 404, "not_found_error")


def test_an_executions_deployment_may_be_gone(api: Api) -> None:
    deployment = api.deployment()
    id = api.execution(deployment)
    api.post(f"/executions/{id}", {"action": "cancel"})
    api.http.delete(f"/deployments/{deployment}")
    kept = api.get(f"/executions/{id}")
    assert (kept["deployment_id"], kept["status"]) == (deployment, ExecutionStatus.CANCELLED)
