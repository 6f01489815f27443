"""What scripts do with the groups of the real REST client; run by its interpreter. Prints `ok`."""

import sys

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client.exceptions import CloudifyClientError

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
#: EXECUTION GROUPS
groups.delete("fleet", delete_deployments=True, force=True)
assert len(client.deployments.list(_search="fleet-")) == 0
client.deployments_filters.delete("fleets")
print("ok")
