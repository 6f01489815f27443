"""``cloudify_rest_client.agents``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._files import read
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class Agent(Record):
    pass


class AgentsClient(Resource):
    @request("PUT /agents/{name}", Agent)
    def create(self, name, node_instance_id, state="creating", create_rabbitmq_user=True, **kwargs): ...

    @request("GET /agents/{name}", Agent)
    def get(self, name): ...

    @request("GET /agents", [Agent])
    def list(self, _include=None, sort=None, is_descending=False, **kwargs): ...

    def replace_ca_certs(self, bundle, new_manager_ca_cert, new_broker_ca_cert):
        given = {"manager_ca_cert": new_manager_ca_cert, "broker_ca_cert": new_broker_ca_cert}
        data = {name: read(path).decode() if path else None for name, path in given.items()}
        return self.api.patch("/agents", data={"bundle": bundle, **data})

    @request("PATCH /agents/{name}", Agent)
    def update(self, name, state=None, **kwargs): ...
