"""``cloudify_rest_client.nodes``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, ordered, request


class Node(Record):
    @property
    def number_of_instances(self):
        return _number(self, "number_of_instances")

    @property
    def planned_number_of_instances(self):
        return _number(self, "planned_number_of_instances")

    @property
    def deploy_number_of_instances(self):
        return _number(self, "deploy_number_of_instances")


class NodeTypes(Record):
    pass


def _number(node, name):
    value = node.get(name)
    return None if value is None else int(value)


class NodesClient(Resource):
    def __init__(self, api):
        super().__init__(api)
        self.types = NodeTypesClient(api)

    @request("POST /nodes")
    def create_many(self, deployment_id, nodes): ...

    @request("DELETE /nodes/{deployment_id}/{node_id}")
    def delete(self, deployment_id, node_id): ...

    def get(self, deployment_id, node_id, _include=None, evaluate_functions=False, instance_context=None):
        """Return the node, or None if there is none."""
        found = self.list(
            _include,
            deployment_id=deployment_id,
            node_id=node_id,
            evaluate_functions=evaluate_functions,
            _instance_context=instance_context,
        )
        return found[0] if found else None

    def list(
        self,
        _include=None,
        filter_rules=None,
        constraints=None,
        deployment_id=None,
        node_id=None,
        sort=None,
        is_descending=False,
        evaluate_functions=False,
        **kwargs,
    ):
        """Raises ValueError for rules and constraints at once."""
        if constraints and filter_rules:
            raise ValueError("Nodes are filtered by `filter_rules` or by `constraints`, not by both.")
        params = {"_evaluate_functions": evaluate_functions, **kwargs}
        params |= {k: v for k, v in (("deployment_id", deployment_id), ("id", node_id)) if v}
        return self.filtered(
            "/nodes",
            "/searches/nodes",
            Node,
            ordered(params, sort, is_descending),
            filter_rules=filter_rules,
            constraints=constraints,
            _include=_include,
        )

    @request("PATCH /nodes/{deployment_id}/{node_id}")
    def update(self, deployment_id, node_id, **kwargs): ...


class NodeTypesClient(Resource):
    def list(self, node_type=None, constraints=None, **kwargs):
        params = {**kwargs, **({"_search": node_type} if node_type else {})}
        return self.filtered("", "/searches/node-types", NodeTypes, params, constraints=constraints or {})
