"""What scripts do with the dependencies of the real REST client; run by its interpreter. Prints `ok`."""

import sys

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client.exceptions import CloudifyClientError

client = CloudifyClient("127.0.0.1", port=int(sys.argv[1]), token=sys.argv[2], tenant="default_tenant")
source, target = sys.argv[3:5]
dependencies = client.inter_deployment_dependencies


def refused(status, code, call, *args, **kwargs):
    error = None
    try:
        call(*args, **kwargs)
    except CloudifyClientError as raised:
        error = raised
    assert error is not None, f"{call} was not refused"
    assert (error.status_code, error.error_code) == (status, code), error


made = dependencies.create("component.x", source, target)
assert (made.dependency_creator, made.source_deployment_id, made.target_deployment_id) == (
    "component.x",
    source,
    target,
)
assert made.target_deployment_func is None
assert dependencies.create("component.x", source, target).id == made.id
[listed] = dependencies.list(source_deployment_id=source, sort="created_at")
assert listed == made
assert dependencies.list(target_deployment_id=source).items == []
refused(400, "illegal_action_error", dependencies.create, "component.y", target, source)
refused(404, "not_found_error", dependencies.create, "component.y", source, "absent")
refused(400, "dependent_exists_error", client.deployments.delete, target)
many = [{"dependency_creator": "nodes.n.get_capability", "target_deployment": target}]
assert dependencies.create_many(source, many)[0]["dependency_creator"] == "nodes.n.get_capability"
assert {item["dependency_creator"] for item in dependencies.dump()} == {
    "component.x",
    "nodes.n.get_capability",
}
dependencies.update_all(source, [{"dependency_creator": "outputs.o", "target_deployment": target}])
assert {item.dependency_creator for item in dependencies.list()} == {"component.x", "outputs.o"}
dependencies.create("component.z", source, " ", external_target={"deployment": "far"})
assert dependencies.list(dependency_creator="component.z").one().target_deployment_id is None
dependencies.delete("component.x", source, target, is_component_deletion=True)
refused(404, "not_found_error", dependencies.delete, "component.x", source, target)
client.deployments.delete(source)
assert dependencies.list().items == []
client.deployments.delete(target)
print("ok")
