"""What scripts do with the real REST client; run by its interpreter. Prints `ok` after everything held."""

import sys
import threading

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client import exceptions as errors

port, token, blueprint_path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
client = CloudifyClient("127.0.0.1", port=port, token=token, tenant="default_tenant")


def refused(kind, status, call, *args, **kwargs):
    error = None
    try:
        call(*args, **kwargs)
    except errors.CloudifyClientError as raised:
        error = raised
    assert type(error) is kind, (call, type(error), error)
    assert (error.status_code, error.server_traceback) == (status, None), error
    return str(error)


# Blueprints: uploaded as a form and in chunks, waited for and validated.
blueprint = client.blueprints.upload(blueprint_path, "first", labels=[{"env": "test"}])
assert (blueprint.id, blueprint["state"], blueprint.main_file_name) == ("first", "uploaded", "blueprint.yaml")
assert client.blueprints.upload(blueprint_path, "chunked", legacy=True)["state"] == "uploaded"
validation = client.blueprints.validate(blueprint_path, "never")
assert client.executions.get(validation["upload_execution"]["id"]).status == "terminated"
upload = client.executions.get(blueprint.upload_execution["id"])
assert (upload.workflow_id, upload.status) == ("upload_blueprint", "terminated")
assert blueprint.requirements == {"secrets": [], "parent_capabilities": []}, blueprint.requirements
refused(errors.CloudifyClientError, 404, client.blueprints.get, "never")
refused(errors.CloudifyClientError, 409, client.blueprints.upload, blueprint_path, "first")
message = refused(errors.CloudifyClientError, 400, client.blueprints.publish_archive, "http://x/y.zip", "url")
assert "http://x/y.zip" in message
got = client.blueprints.get("first")
assert [node["id"] for node in got.plan["nodes"]] == ["speaker", "echo"]
assert [(label.key, label.value) for label in got.labels] == [("env", "test")]
assert {item.id for item in client.blueprints.list(sort="id", is_descending=True)} == {"first", "chunked"}
assert len(client.blueprints.list(_include=["id"], _size=1)) == 1
assert client.blueprints.list(_size=1).metadata.pagination.total == 2

# Deployments.
refused(errors.UnknownDeploymentInputError, 400, client.deployments.create, "first", "d", inputs={"x": 1})
deployment = client.deployments.create("first", "d", inputs={"greeting": "hi"}, display_name="D")
assert (deployment.id, deployment.display_name, deployment.inputs) == ("d", "D", {"greeting": "hi"})
# As scripts wait for it: listed first, and over.
created = client.executions.list(deployment_id="d")[0]
assert (created.workflow_id, created.status) == ("create_deployment_environment", "terminated")
assert created.id == client.deployments.get("d")["create_execution"]
assert {workflow.name for workflow in deployment.workflows} >= {"install", "uninstall"}
assert client.deployments.capabilities.get("d").capabilities == {"voice": "say:hi"}
assert client.deployments.list(_include=["id"])[0] == {"id": "d"}
refused(errors.NoSuchIncludeFieldError, 400, client.deployments.list, _include=["colour"])

# Executions and their events.
refused(errors.IllegalExecutionParametersError, 400, client.executions.start, "d", "install", {"x": 1})
execution = client.executions.start("d", "install")
seen, total = [], 1
while client.executions.get(execution.id).status not in execution.END_STATES or len(seen) < total:
    events, total = client.events.get(execution.id, from_event=len(seen), include_logs=True)
    seen += events
assert client.executions.get(execution.id).status == execution.TERMINATED
messages = [event["message"] for event in seen]
assert "clearing my throat" in messages
assert len(messages) == len({event["_storage_id"] for event in seen})
found = client.events.list(execution_id=execution.id, event_type="workflow_succeeded")
assert len(found) == 1
client.events.create(logs=[{"message": {"text": "by hand"}, "level": "info"}], execution_id=execution.id)
assert client.events.list(include_logs=True, message="by hand", execution_id=execution.id).one()
refused(errors.CloudifyClientError, 400, client.executions.cancel, execution.id)
refused(errors.CloudifyClientError, 400, client.executions.resume, execution.id)
assert client.operations.list(execution_id=execution.id, skip_internal=True)
graph = client.tasks_graphs.list(execution.id)[0]
assert client.operations.list(graph_id=graph.id)
assert client.deployments.get("d").latest_execution_id == execution.id
assert client.deployments.get("d").installation_status == "active"

# Nodes and their instances.
assert {node.id for node in client.nodes.list(deployment_id="d")} == {"speaker", "echo"}
assert client.nodes.get("d", "speaker", evaluate_functions=True).type == "cloudify.nodes.Root"
instance = client.node_instances.list(deployment_id="d", node_id="speaker")[0]
assert instance.runtime_properties == {"said": "hi world"}
update = client.node_instances.update
changed = update(instance.id, runtime_properties={"said": "no"}, version=instance.version)
assert changed.version == instance.version + 1
refused(errors.CloudifyClientError, 409, update, instance.id, runtime_properties={}, version=instance.version)

# Who asks.
made = client.tokens.create(description="mine", expiration="+1 day")
other = CloudifyClient("127.0.0.1", port=port, token=made.value, tenant="default_tenant")
assert other.manager.get_status()["status"] == "OK"
client.tokens.delete(made.id)
refused(errors.UserUnauthorizedError, 401, other.manager.get_status)
other = CloudifyClient("127.0.0.1", port=port, token=token, tenant="nowhere")
refused(errors.ForbiddenError, 403, other.blueprints.list)
assert client.manager.get_version()["edition"] == "community"
assert {item.name for item in client.manager.get_config(scope="workflow")} >= {"task_retries"}
assert client.manager.put_config("task_retries", 2).value == 2
assert client.manager.get_config(name="task_retries", scope="workflow").value == 2
refused(errors.CloudifyClientError, 400, client.manager.put_config, "task_retries", "many")
client.manager.create_context("mine", {"a": 1})
client.manager.update_context("mine", {"a": 2})
assert client.manager.get_context()["context"] == {"a": 2}
assert client.maintenance_mode.activate().status == "activated"
refused(errors.MaintenanceModeActiveError, 503, client.deployments.create, "first", "never")
assert client.maintenance_mode.status().requested_by == "admin"
assert client.maintenance_mode.deactivate().status == "deactivated"

# Sites.
client.sites.create("here", "52.5,13.4")
assert client.sites.update("here", new_name="there").name == "there"
assert [site.name for site in client.sites.list()] == ["there"]
client.deployments.set_site("d", "there")
assert client.deployments.list(site_name="there").one().id == "d"
client.deployments.set_site("d", detach_site=True)
client.sites.delete("there")
refused(errors.CloudifyClientError, 404, client.sites.get, "there")

# Many at once.
threads = [threading.Thread(target=client.deployments.create, args=("first", f"d{n}")) for n in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(client.deployments.list()) == 9
client.deployments.delete("d", force=True)
assert len(client.node_instances.list(deployment_id="d")) == 0
deleted = client.executions.list(deployment_id="d", workflow_id="delete_deployment_environment").one()
assert deleted.status == "terminated"
client.deployments.create("first", "d")
assert [item.workflow_id for item in client.executions.list(deployment_id="d")] == [created.workflow_id]
print("ok")
