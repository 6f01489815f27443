"""Schedules of executions by REST."""

from __future__ import annotations

from typing import Any

import pytest
from served_api import BLUEPRINT, Api

SOON = "2030-01-01 10:00:00"


def test_a_schedule_comes_changes_and_goes(api: Api) -> None:
    deployment = api.deployment()
    path = f"/execution-schedules/nightly?deployment_id={deployment}"
    body: dict[str, Any] = {
        "workflow_id": "install",
        "since": SOON,
        "until": None,
        "recurrence": "1 day",
        "count": None,
        "weekdays": ["MO", "fr"],
        "execution_arguments": {"force": True, "dry_run": None},
        "slip": 0,
    }
    made = api.put(path, body)
    assert (made["id"], made["status"], made["rule"]) == (
        "nightly",
        "waiting",
        {"recurrence": "1 day", "weekdays": ["mo", "fr"]},
    )
    assert (made["since"], made["slip"], made["execution_arguments"]) == (
        "2030-01-01T10:00:00.000Z",
        0,
        {"force": True},
    )
    assert made["next_occurrence"] == "2030-01-04T10:00:00.000Z"
    assert made["all_next_occurrences"][:2] == ["2030-01-04 10:00:00", "2030-01-07 10:00:00"]
    assert (made["skipped"], made["latest_execution_status"], made["created_by"]) == ([], None, "admin")
    assert api.get("/execution-schedules/nightly", deployment_id=deployment) == made
    api.refused("PUT", path, 409, "conflict_error", json=body)

    api.put(f"/execution-schedules/weekly?deployment_id={deployment}", body | {"slip": None, "count": 2})
    listed = api.items("/execution-schedules", deployment_id=deployment, _sort="-id")
    assert [(item["id"], item["slip"]) for item in listed] == [("weekly", 5), ("nightly", 0)]
    assert [len(item["all_next_occurrences"]) for item in listed] == [2, 100]
    assert api.items("/execution-schedules", deployment_id=deployment, _search="NIGHT", _include="id") == [
        {"id": "nightly"}
    ]

    changed = api.patch(path, {"enabled": False})
    assert (changed["status"], changed["next_occurrence"], changed["enabled"]) == ("disabled", None, False)
    changed = api.patch(path, {"enabled": True, "rrule": "RRULE:FREQ=DAILY;INTERVAL=3"})
    assert changed["rule"] == {"rrule": "RRULE:FREQ=DAILY;INTERVAL=3"}
    assert changed["next_occurrence"] == "2030-01-01T10:00:00.000Z"
    changed = api.patch(path, {"timezone": "Europe/Rome", "since": SOON})
    assert changed["since"] == "2030-01-01T09:00:00.000Z"
    assert api.http.delete(path).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        api.refused(method, path, 404, "not_found_error", json={})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"since": "soon"}, "soon"),
        ({"since": None}, "since"),
        ({"workflow_id": None}, "workflow_id"),
        ({"since": "2020-01-01 10:00", "count": 1}, "in the past"),
        ({"count": 3}, "recurrence"),
        ({"recurrence": "1 day", "timezone": "Mars/North"}, "Mars"),
        ({"recurrence": "1 day", "rrule": "FREQ=DAILY"}, "alone"),
        ({"rrule": "FREQ=NEVER"}, "FREQ"),
        ({"recurrence": "1 day", "execution_arguments": {"speed": 1}}, "speed"),
        ({"recurrence": "1 day", "execution_arguments": {"force": "yes"}}, "force"),
        ({"recurrence": "1 day", "since": "9999-12-31 23:59"}, "9999"),
    ],
)
def test_what_is_wrong_is_refused(api: Api, wrong: dict[str, Any], says: str) -> None:
    path = f"/execution-schedules/wrong?deployment_id={api.deployment()}"
    body = {"workflow_id": "install", "since": SOON, **wrong}
    assert says in api.refused("PUT", path, 400, "bad_parameters_error", json=body)
    api.refused("GET", path, 404, "not_found_error")


def test_it_needs_a_deployment_and_a_workflow_of_it(api: Api) -> None:
    body = {"workflow_id": "nope", "since": SOON, "count": 1}
    path = "/execution-schedules/s?deployment_id="
    api.refused("PUT", f"{path}{api.deployment()}", 400, "nonexistent_workflow_error", json=body)
    api.refused("PUT", f"{path}nowhere", 404, "not_found_error", json=body)
    api.refused("PUT", "/execution-schedules/s", 400, "bad_parameters_error", json=body)


def test_a_blueprint_brings_schedules_and_groups_with_it(api: Api) -> None:
    group = api.unique("brought")
    text = (
        BLUEPRINT
        + f"""
deployment_settings:
  default_groups: [{group}]
  default_schedules:
    nightly:
      {{ workflow: install, since: "2030-01-01 02:30", timezone: UTC, recurrence: 1d,
        weekdays: [mo], slip: 7 }}
    once: {{ workflow: uninstall, since: "+1day+10min", stop_after_fail: true }}
    paused: {{ workflow: install, since: "+1d", default_enabled: false }}
"""
    )
    deployment = api.deployment(api.blueprint(text))
    found = {item["id"]: item for item in api.items("/execution-schedules", deployment_id=deployment)}
    assert set(found) == {"nightly", "once", "paused"}
    assert found["nightly"]["rule"] == {"recurrence": "1d", "weekdays": ["mo"]}
    assert (found["nightly"]["slip"], found["nightly"]["next_occurrence"]) == (7, "2030-01-07T02:30:00.000Z")
    assert (found["once"]["rule"], found["once"]["status"], found["once"]["stop_on_fail"]) == (
        {"count": 1},
        "waiting",
        True,
    )
    assert found["paused"]["status"] == "disabled"
    assert api.get(f"/deployment-groups/{group}")["deployment_ids"] == [deployment]
    wrong = BLUEPRINT + "deployment_settings: {default_schedules: {s: {workflow: nope, since: '+1d'}}}\n"
    body = {"blueprint_id": api.blueprint(wrong)}
    assert "`nope`" in api.refused("PUT", "/deployments/wrong", 400, "bad_parameters_error", json=body)
    api.refused("GET", "/deployments/wrong", 404, "not_found_error")
