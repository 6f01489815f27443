"""``cloudify_rest_client.node_instances``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, ordered, page, request


class NodeInstance(Record):
    @property
    def is_status_check_ok(self):
        return self.get("is_status_check_ok", True)

    @property
    def has_configuration_drift(self):
        return self.get("has_configuration_drift", False)

    @property
    def scaling_groups(self):
        return self.get("scaling_groups") or []


class NodeInstancesClient(Resource):
    @request("POST /node-instances", [NodeInstance])
    def create_many(self, deployment_id, node_instances): ...

    @request("DELETE /node-instances/{instance_id}")
    def delete(self, instance_id): ...

    @request(
        "GET /node-instances/{node_instance_id}",
        NodeInstance,
        names={"evaluate_functions": "_evaluate_functions"},
    )
    def get(self, node_instance_id, _include=None, evaluate_functions=False): ...

    def list(
        self,
        _include=None,
        constraints=None,
        deployment_id=None,
        node_name=None,
        node_id=None,
        sort=None,
        is_descending=False,
        **kwargs,
    ):
        given = (("deployment_id", deployment_id), ("node_id", node_name or node_id))
        params = {**kwargs, **{key: value for key, value in given if value}}
        return self.filtered(
            "/node-instances",
            "/searches/node-instances",
            NodeInstance,
            ordered(params, sort, is_descending),
            constraints=constraints,
            _include=_include,
        )

    def search(self, ids, all_tenants=False):
        rule = {"key": "id", "values": ids, "operator": "any_of", "type": "attribute"}
        params = {"_all_tenants": True} if all_tenants else {}
        answer = self.api.post("/searches/node-instances", params=params, data={"filter_rules": [rule]})
        return page(answer, NodeInstance)

    @request("PATCH /node-instances/{node_instance_id}", NodeInstance, query=("force",), if_set=("force",))
    def update(
        self,
        node_instance_id,
        state=None,
        runtime_properties=None,
        version=1,
        force=False,
        relationships=None,
        system_properties=None,
    ): ...
