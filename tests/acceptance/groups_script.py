"""What scripts do with the groups of the real REST client; run by its interpreter. Prints `ok`."""

import sys
import time

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client.exceptions import CloudifyClientError
from cloudify_rest_client.executions import Execution

client = CloudifyClient("127.0.0.1", port=int(sys.argv[1]), token=sys.argv[2], tenant="default_tenant")
blueprint, event_log = sys.argv[3], sys.argv[4]
groups = client.deployment_groups


def refused(status, code, call, *args, **kwargs):
    error = None
    try:
        call(*args, **kwargs)
    except CloudifyClientError as raised:
        error = raised
    assert error is not None, f"{call} was not refused"
    assert (error.status_code, error.error_code) == (status, code), error


made = groups.put(
    "fleet",
    description="all of them",
    blueprint_id=blueprint,
    default_inputs={"event_log": event_log},
    labels=[{"fleet": "yes"}],
    new_deployments=[{"id": "{group_id}-first"}],
)
assert (made.deployment_ids, made.default_blueprint_id) == (["fleet-first"], blueprint), made
assert (made.default_inputs, made.description) == ({"event_log": event_log}, "all of them")
assert [label["value"] for label in made.labels] == ["yes"]
assert len(groups.add_deployments("fleet", count=3).deployment_ids) == 4
assert len(groups.add_deployments("fleet", new_deployments=[{}, {}], batch_size=1).deployment_ids) == 6
client.deployments_filters.create(
    "fleets", [{"key": "fleet", "values": ["yes"], "operator": "any_of", "type": "label"}]
)
assert len(groups.put("copy", filter_id="fleets").deployment_ids) == 6
assert len(groups.remove_deployments("copy", ["fleet-first"]).deployment_ids) == 5
assert groups.remove_deployments("copy", deployments_from_group="fleet").deployment_ids == []
assert {item["id"] for item in groups.list()} >= {"fleet", "copy"}
assert len(client.deployments.list(_group_id="fleet")) == 6
assert client.deployments.get("fleet-first")["deployment_groups"] == ["fleet"]
assert groups.get("fleet")["creation_counter"] == 6
assert "fleet" in {item["id"] for item in groups.dump()}
refused(404, "not_found_error", groups.get, "none")
refused(404, "not_found_error", groups.add_deployments, "none", deployment_ids=["fleet-first"])
groups.delete("copy")

executions = client.execution_groups
started = executions.start(
    "fleet",
    "chain",
    default_parameters={"steps": 1},
    parameters={"fleet-first": {"steps": 2}},
    concurrency=2,
)
assert (started.workflow_id, started.deployment_group_id, started.concurrency) == ("chain", "fleet", 2)
assert len(started.execution_ids) == 6
groups.put("well")
groups.put("badly")
executions.set_target_group(started.id, success_group="well", failed_group="badly")
assert executions.set_concurrency(started.id, 3).concurrency == 3
while executions.get(started.id).status not in Execution.END_STATES:
    time.sleep(0.2)
assert executions.get(started.id).status == "terminated"
assert len(client.executions.list(execution_group_id=started.id)) == 6
assert len(client.events.list(execution_group_id=started.id, event_type="workflow_succeeded")) == 6
assert len(groups.get("well").deployment_ids) == 6
assert started.id in {item["id"] for item in executions.list()}
assert started.id in {item["id"] for item in executions.dump()}
refused(400, "illegal_action_error", executions.cancel, started.id)
refused(400, "illegal_action_error", executions.resume, started.id)
for how in ({}, {"force": True}, {"kill": True}):
    waiting = executions.start("fleet", "polite", concurrency=1)
    assert executions.cancel(waiting.id, **how)["executions_by_status"]["cancelled"] >= 5
    while executions.get(waiting.id).status not in Execution.END_STATES:
        time.sleep(0.2)
    assert executions.get(waiting.id).status == "cancelled"
assert executions.resume(waiting.id)["status"] in ("pending", "started")
executions.cancel(waiting.id, kill=True)
while executions.get(waiting.id).status not in Execution.END_STATES:
    time.sleep(0.2)
refused(404, "not_found_error", executions.get, "none")
refused(400, "nonexistent_workflow_error", executions.start, "fleet", "none")
groups.delete("fleet", delete_deployments=True, force=True)
assert len(client.deployments.list(_search="fleet-")) == 0
client.deployments_filters.delete("fleets")
print("ok")
