"""What scripts do with snapshots of the real REST client; run by its interpreter. Prints `ok`."""

import os
import sys
import time

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client import exceptions as errors

client = CloudifyClient("127.0.0.1", port=int(sys.argv[1]), token=sys.argv[2], tenant="default_tenant")
client.blueprints.upload(sys.argv[3], "shot")
client.deployments.create("shot", "kept-by-it")
client.secrets.create("kept_word", "sesame")


def ended(execution):
    while client.executions.get(execution.id).status not in execution.END_STATES:
        time.sleep(0.05)
    return client.executions.get(execution.id)


def refused(code, call, *args, **kwargs):
    error = None
    try:
        call(*args, **kwargs)
    except errors.CloudifyClientError as raised:
        error = raised
    assert error is not None, f"{call} was not refused"
    assert error.error_code == code, error


execution = client.snapshots.create("s1", include_credentials=True)
assert execution.workflow_id == "create_snapshot"
assert ended(execution).status == "terminated"
assert client.snapshots.get("s1").status == "created"
assert [item.id for item in client.snapshots.list(sort="id", _include=["id", "status"])] == ["s1"]
path = client.snapshots.download("s1", os.path.join(os.environ["HOME"], "s1.zip"))
assert client.snapshots.upload(path, "s2").status == "uploaded"
client.snapshots.delete("s1")
refused("not_found_error", client.snapshots.get, "s1")

client.deployments.delete("kept-by-it")
client.secrets.delete("kept_word")
client.deployments.create("shot", "later")
assert client.snapshots.get_status() == {"status": "not-running"}
refused("illegal_action_error", client.snapshots.restore, "s2")
execution = ended(client.snapshots.restore("s2", force=True))
assert (execution.status, execution.error) == ("terminated", None), execution
ids = [item.id for item in client.deployments.list(_include=["id"])]
assert "kept-by-it" in ids, ids
assert "later" not in ids, ids
assert client.secrets.get("kept_word").value == "sesame"
# What is restored can be run.
execution = ended(client.executions.start("kept-by-it", "install"))
assert (execution.status, execution.error) == ("terminated", None), execution
with open(path, "r+b") as file:
    file.truncate(os.path.getsize(path) // 2)
refused("invalid_snapshot_error", client.snapshots.upload, path, "cut")
print("ok")
