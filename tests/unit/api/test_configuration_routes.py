"""Settings that are changed while the manager runs, the provider context, and the maintenance mode."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served_api import Api, served

from cloudwright.manager.configuration import changed_settings


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with served(tmp_path) as running:
        yield running


def test_a_setting_is_changed_for_new_executions(api: Api) -> None:
    before = api.get("/config/task_retries")
    assert (before["value"], before["is_editable"], before["updated_at"]) == (60, True, None)
    changed = api.put("/config/task_retries", {"value": 3})
    assert (changed["value"], changed["updater_name"]) == (3, "admin")
    assert api.get("/config/workflow.task_retries") == changed
    api.put("/config/workflow.task_retry_interval", {"value": 0.5, "force": False})
    assert api.store.read_sync(changed_settings) == {"task_retries": 3, "task_retry_interval": 0.5}
    listed = {item["name"]: item["value"] for item in api.items("/config", scope="workflow")}
    assert listed == {
        "task_retries": 3,
        "task_retry_interval": 0.5,
        "task_retry_backoff": 1.0,
        "subgraph_retries": 0,
    }


def test_a_number_may_be_a_text_as_command_lines_send_it(api: Api) -> None:
    assert api.put("/config/task_retries", {"value": "7"})["value"] == 7
    assert api.put("/config/task_retry_interval", {"value": "2.5"})["value"] == 2.5
    api.put("/config/task_retries", {"value": 60})
    api.put("/config/task_retry_interval", {"value": 15})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_retries", "three"),
        ("task_retries", "1e999"),
        ("task_retries", 1.5),
        ("task_retries", -2),
        ("task_retries", True),
        ("task_retries", None),
        ("task_retry_interval", -0.1),
        ("task_retry_interval", 1e300),
    ],
)
def test_values_are_validated(api: Api, name: str, value: Any) -> None:
    message = api.refused("PUT", f"/config/{name}", 400, "bad_parameters_error", json={"value": value})
    assert name in message
    assert api.get(f"/config/{name}")["updated_at"] is None


def test_what_cannot_be_changed_says_how(api: Api) -> None:
    body = {"value": 1, "force": True}
    message = api.refused("PUT", "/config/max_workflows", 409, "conflict_error", json=body)
    assert "CLOUDWRIGHT_MAX_WORKFLOWS" in message
    api.refused("PUT", "/config/colour", 404, "not_found_error", json=body)
    api.refused("PUT", "/config/task_retries", 400, "bad_parameters_error", json={})


def test_the_provider_context(api: Api) -> None:
    assert api.get("/provider/context") == {"name": "cloudwright", "context": {}}
    api.post("/provider/context", {"name": "mine", "context": {"a": 1}})
    api.refused("POST", "/provider/context", 409, "conflict_error", json={"name": "x", "context": {}})
    api.post("/provider/context?update=true", {"name": "mine", "context": {"a": 2}})
    assert api.get("/provider/context") == {"name": "mine", "context": {"a": 2}}


def test_maintenance(api: Api) -> None:
    deployment = api.deployment()
    execution = api.execution(deployment)
    api.start(execution)
    assert api.http.post("/maintenance/deactivate").status_code == 304
    begun = api.post("/maintenance/activate", {})
    assert (begun["status"], begun["requested_by"]) == ("activating", "admin")
    assert [row["id"] for row in begun["remaining_executions"]] == [execution]
    assert api.http.post("/maintenance/activate").status_code == 304

    start = {"deployment_id": deployment, "workflow_id": "install", "queue": True}
    message = api.refused("POST", "/executions", 503, "maintenance_mode_active", json=start)
    assert "deactivate" in message
    body = {"blueprint_id": api.get(f"/deployments/{deployment}")["blueprint_id"]}
    api.refused("PUT", "/deployments/new", 503, "maintenance_mode_active", json=body)
    api.refused("DELETE", f"/deployments/{deployment}", 503, "maintenance_mode_active")
    # Looking, and ending what runs, is always possible.
    assert api.items("/deployments", id=deployment)
    assert api.post(f"/executions/{execution}", {"action": "cancel"})["status"] == "cancelling"
    api.end(execution)
    done = api.get("/maintenance")
    assert (done["status"], done["remaining_executions"]) == ("activated", [])
    assert done["activated_at"] == api.get("/maintenance")["activated_at"]
    resume = {"action": "resume"}
    api.refused("POST", f"/executions/{execution}", 503, "maintenance_mode_active", json=resume)

    assert api.post("/maintenance/deactivate", {})["status"] == "deactivated"
    assert api.post("/executions", start)["status"] == "pending"


def test_maintenance_outlives_a_restart(tmp_path: Path) -> None:
    with served(tmp_path) as api:
        api.post("/maintenance/activate", {})
    with served(tmp_path) as api:
        assert not api.manager.maintenance.is_on
        api.do(api.manager.maintenance.start())
        assert api.manager.maintenance.is_on
