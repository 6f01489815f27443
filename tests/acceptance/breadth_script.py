"""What scripts do with searches, summaries and evaluated functions of the real REST client; run by its
interpreter. Prints `ok`.
"""

import sys

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client import exceptions as errors

client = CloudifyClient("127.0.0.1", port=int(sys.argv[1]), token=sys.argv[2], tenant="default_tenant")
client.blueprints.upload(sys.argv[3], "broad")
client.deployments.create("broad", "wide", inputs={"greeting": "hi"})


def refused(status, code, call, *args, **kwargs):
    error = None
    try:
        call(*args, **kwargs)
    except errors.CloudifyClientError as raised:
        error = raised
    assert error is not None, f"{call} was not refused"
    assert (error.status_code, error.error_code) == (status, code), error
    return str(error)


# Searches.
named = {"name_pattern": {"starts_with": "spe"}}
assert [node.id for node in client.nodes.list(deployment_id="wide", constraints=dict(named))] == ["speaker"]
assert [node.id for node in client.nodes.list(blueprint_id="broad", constraints=dict(named))] == ["speaker"]
rules = [{"type": "attribute", "key": "id", "operator": "any_of", "values": ["echo"]}]
assert [node.id for node in client.nodes.list(deployment_id="wide", filter_rules=rules)] == ["echo"]
types = client.nodes.types.list(constraints={"deployment_id": "wide"})
assert {item.id for item in types} == {"speaker", "echo"}
assert all(item.type for item in client.nodes.types.list(deployment_id="wide", node_type="nodes"))
refused(400, "bad_parameters_error", client.nodes.types.list)
instances = client.node_instances.list(deployment_id="wide")
assert [item.id for item in client.node_instances.search([instances[0].id])] == [instances[0].id]
assert len(client.node_instances.list(constraints={"deployment_id": "wide"})) == 2
found = client.deployments.capabilities.list("wide")
assert (found[0].deployment_id, found[0].capabilities[0]["voice"]["value"]) == ("wide", "say:hi")
assert len(client.deployments.capabilities.list("wide", constraints={"valid_values": ["no"]})) == 0
assert len(client.deployments.scaling_groups.list(deployment_id="wide")) == 0
client.secrets.create("one_key", "a")
assert [item.key for item in client.secrets.list(constraints={"name_pattern": {"contains": "one"}})] == [
    "one_key"
]

# Summaries.
summed = client.summary.deployments.get("blueprint_id", "deployment_status", blueprint_id="broad").items
assert summed == [
    {
        "blueprint_id": "broad",
        "deployments": 1,
        "by deployment_status": [{"deployment_status": "requires_attention", "deployments": 1}],
    }
], summed
assert client.summary.nodes.get("deployment_id", deployment_id="wide").items == [
    {"deployment_id": "wide", "nodes": 2}
]
assert client.summary.node_instances.get("state", deployment_id="wide").items[0]["node_instances"] == 2
assert client.summary.executions.get("workflow_id", deployment_id="wide", _all_tenants=True).items[0]
assert client.summary.blueprints.get("visibility").items[0]["blueprints"] >= 1
refused(400, "bad_parameters_error", client.summary.nodes.get, "colour")

# Functions.
payload = {"greeting": {"get_input": "greeting"}, "secret": {"get_secret": "one_key"}}
evaluated = client.evaluate.functions("wide", {"self": instances[0].id}, payload)
assert evaluated.payload == {"greeting": "hi", "secret": "a"}
missing = {"secret": {"get_secret": "no_key"}}
said = refused(400, "functions_evaluation_error", client.evaluate.functions, "wide", {}, missing)
assert "no_key" in said, said
print("ok")
