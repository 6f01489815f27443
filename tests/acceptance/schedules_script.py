"""What scripts do with the schedules of the real REST client; run by its interpreter. Prints `ok`."""

import sys
from datetime import datetime, timedelta

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client.exceptions import CloudifyClientError

client = CloudifyClient("127.0.0.1", port=int(sys.argv[1]), token=sys.argv[2], tenant="default_tenant")
deployment = sys.argv[3]
schedules = client.execution_schedules
since = datetime(2030, 1, 1, 10)


def refused(status, code, call, *args, **kwargs):
    error = None
    try:
        call(*args, **kwargs)
    except CloudifyClientError as raised:
        error = raised
    assert error is not None, f"{call} was not refused"
    assert (error.status_code, error.error_code) == (status, code), error


made = schedules.create(
    "nightly",
    deployment,
    "install",
    execution_arguments={"force": False, "dry_run": True},
    parameters={},
    since=since,
    until=since + timedelta(days=30),
    recurrence="1 day",
    weekdays=["mo", "tu"],
    slip=1,
    stop_on_fail=True,
)
assert (made.id, made.deployment_id, made.workflow_id) == ("nightly", deployment, "install")
assert (made.enabled, made.stop_on_fail, made.parameters) == (True, True, {})
assert made.next_occurrence == "2030-01-01T10:00:00.000Z", made
assert made["all_next_occurrences"][1] == "2030-01-07 10:00:00"
assert (made.since, made.until) == ("2030-01-01T10:00:00.000Z", "2030-01-31T10:00:00.000Z")
schedules.create("rule", deployment, "install", since="2030-01-01", rrule="RRULE:FREQ=DAILY;INTERVAL=3")
assert schedules.update("nightly", deployment, enabled=False).enabled is False
changed = schedules.update(
    "nightly", deployment, since=since + timedelta(days=1), recurrence="1 week", enabled=True
)
assert changed.next_occurrence == "2030-01-07T10:00:00.000Z", changed
assert {item.id for item in schedules.list(sort="next_occurrence", deployment_id=deployment)} == {
    "nightly",
    "rule",
}
assert schedules.list(_search="night", deployment_id=deployment).one() == {
    **schedules.list(deployment_id=deployment, id="nightly").one()
}
assert schedules.get("rule", deployment)["rule"] == {"rrule": "RRULE:FREQ=DAILY;INTERVAL=3"}
assert "nightly" in {item["id"] for item in schedules.dump()}
refused(409, "conflict_error", schedules.create, "rule", deployment, "install", since=since, count=1)
refused(
    400, "bad_parameters_error", schedules.create, "x", deployment, "install", since="2020-01-01", count=1
)
refused(400, "nonexistent_workflow_error", schedules.create, "x", deployment, "no", since=since, count=1)
refused(404, "not_found_error", schedules.get, "x", deployment)
for id in ("nightly", "rule"):
    schedules.delete(id, deployment)
refused(404, "not_found_error", schedules.delete, "rule", deployment)
print("ok")
