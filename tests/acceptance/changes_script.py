"""What scripts change of a deployment with the real REST client; run by its interpreter. Prints `ok`."""

import sys
import time

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client.exceptions import CloudifyClientError

client = CloudifyClient("127.0.0.1", port=int(sys.argv[1]), token=sys.argv[2], tenant="default_tenant")
deployment, new = sys.argv[3], sys.argv[4]
changes, updates = client.deployment_modifications, client.deployment_updates


def refused(status, call, *args, **kwargs):
    error = None
    try:
        call(*args, **kwargs)
    except CloudifyClientError as raised:
        error = raised
    assert error is not None, f"{call} was not refused"
    assert error.status_code == status, error
    return error


def webs():
    return {one.id for one in client.node_instances.list(deployment_id=deployment, node_id="web")}


before = webs()
more = changes.start(deployment, {"web": {"instances": 3}}, {"why": "test"})
assert (more.status, more.deployment_id, more.context) == ("started", deployment, {"why": "test"}), more
[added] = [one for one in more.node_instances.added_and_related if one.get("modification") == "added"]
assert webs() == before | {added.id}
assert {one.id for one in more.node_instances.before_modification} >= before
error = refused(400, changes.start, deployment, {"web": {"instances": 4}})
assert error.error_code == "existing_started_deployment_modification_error", error.error_code
assert changes.rollback(more.id).status == "rolledback"
assert webs() == before
error = refused(400, changes.finish, more.id)
assert error.error_code == "deployment_modification_already_ended_error", error.error_code
less = changes.start(deployment, {"web": {"instances": 1, "removed_ids_include_hint": [min(before)]}})
assert changes.finish(less.id).status == "finished"
assert webs() == before - {min(before)}
assert changes.get(less.id).ended_at
assert {one.id for one in changes.list(deployment_id=deployment)} == {more.id, less.id}
refused(404, changes.get, "none")

shown = updates.update_with_existing_blueprint(deployment, new, preview=True)
assert shown.state == "preview"
assert ("add", ["nodes", "extra"]) in [(step["action"], step["entity_id"]) for step in shown.steps], (
    shown.steps
)
assert list(updates.list(deployment_id=deployment)) == []
done = updates.update_with_existing_blueprint(deployment, new, inputs={"color": "blue"}, skip_heal=True)
assert (done.old_blueprint_id, done.new_blueprint_id) == (deployment, new)
assert done.new_inputs["color"] == "blue"
while client.executions.get(done.execution_id).status not in ("terminated", "failed", "cancelled"):
    time.sleep(0.1)
found = updates.get(done.id)
assert found.state == "successful", found
assert found.created_at
assert [one.id for one in updates.list(deployment_id=deployment, sort="created_at")] == [done.id]
assert client.deployments.get(deployment).blueprint_id == new
refused(404, updates.update_with_existing_blueprint, "none", new)
refused(404, updates.update_with_existing_blueprint, deployment, "none")
refused(400, updates.update_with_existing_blueprint, deployment, new, reinstall_list=["none"])
print("ok")
