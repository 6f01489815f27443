"""What scripts do with labels, filters and searches of the real REST client; run by its interpreter. Prints
`ok`.
"""

import sys

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client import exceptions as errors

client = CloudifyClient("127.0.0.1", port=int(sys.argv[1]), token=sys.argv[2], tenant="default_tenant")
client.blueprints.upload(sys.argv[3], "labelled", labels=[{"team": "red"}])
client.deployments.create("labelled", "one", labels=[{"Env": "test"}, {"env": "prod"}])
client.deployments.create("labelled", "two", labels=[{"env": "test"}])
client.deployments.create("labelled", "three")


def rule(key, operator, *values, kind="label"):
    return {"type": kind, "key": key, "operator": operator, "values": list(values)}


def ids(**narrowed):
    found = client.deployments.list(sort="id", **narrowed)
    assert found.metadata.pagination.total == len(found)
    return [item.id for item in found]


def refused(kind, call, *args, **kwargs):
    error = None
    try:
        call(*args, **kwargs)
    except errors.CloudifyClientError as raised:
        error = raised
    assert type(error) is kind, (call, type(error), error)
    return error


assert ids(filter_rules=[rule("env", "any_of", "test")]) == ["one", "two"]
assert ids(filter_rules=[rule("env", "not_any_of", "test")]) == ["one"]
assert ids(filter_rules=[rule("env", "is_not", "prod")]) == ["three", "two"]
assert ids(filter_rules=[rule("env", "is_null")]) == ["three"]
assert ids(filter_rules=[rule("id", "contains", "T", kind="attribute")]) == ["three", "two"]
assert ids(constraints={"labels": [{"env": "prod"}]}) == ["one"]
assert ids(constraints={"name_pattern": {"ends_with": "o"}}) == ["two"]
installed = [rule("installation_status", "any_of", "active", kind="attribute")]
assert ids(filter_rules=installed) == []
error = refused(errors.InvalidFilterRule, client.deployments.list, filter_rules=[rule("a", "like", "b")])
assert error.err_filter_rule == rule("a", "like", "b")
assert "`operator`" in error.err_reason

# Stored filters.
filters = client.deployments_filters
made = filters.create("testing", [rule("env", "any_of", "test")])
assert (made.id, made.visibility, made.tenant_name) == ("testing", "tenant", "default_tenant")
assert made.value == made.labels_filter_rules == [rule("env", "any_of", "test")]
assert ids(filter_id="testing") == ["one", "two"]
changed = filters.update("testing", [rule("id", "any_of", "two", kind="attribute")], "global")
assert (len(changed.labels_filter_rules), len(changed.attrs_filter_rules)) == (1, 1)
assert ids(filter_id="testing") == ["two"]
assert filters.get("testing").visibility == "global"
assert [item.id for item in filters.list(sort="id", _search="test")] == ["testing"]
assert [item["id"] for item in filters.dump()] == ["testing"]
refused(errors.InvalidFilterRule, filters.create, "bad", [rule("colour", "any_of", "red", kind="attribute")])
filters.delete("testing")
refused(errors.CloudifyClientError, filters.get, "testing")
assert client.blueprints_filters.create("red", [rule("team", "any_of", "red")]).id == "red"
assert [item.id for item in client.blueprints.list(filter_id="red")] == ["labelled"]
assert [item.id for item in client.blueprints.list(filter_rules=[rule("team", "is_null")])] == []
assert [item.id for item in client.blueprints.list(constraints={"name_pattern": {"contains": "bel"}})] == [
    "labelled"
]
assert "install" in [item.name for item in client.workflows.list(filter_rules=[rule("env", "is_not_null")])]

# Labels.
assert client.deployments_labels.list_keys().items == ["env"]
assert client.deployments_labels.list_key_values("env").items == ["prod", "test"]
assert client.blueprints_labels.list_key_values("team").items == ["red"]
assert "csys-obj-type" in client.deployments_labels.get_reserved_labels_keys().items
client.deployments.update_labels("three", [{"csys-obj-type": "service"}])
assert [label.key for label in client.deployments.get("three").labels] == ["csys-obj-type"]
refused(errors.CloudifyClientError, client.deployments.update_labels, "three", [{"csys-mine": "x"}])
print("ok")
