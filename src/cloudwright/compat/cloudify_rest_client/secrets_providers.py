"""``cloudify_rest_client.secrets_providers``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class SecretsProvider(Record):
    pass


class SecretsProvidersClient(Resource):
    @request("PUT /secrets-providers", dict, fixed={"test": True}, names={"_type": "type"})
    def check(self, name="", _type="", connection_parameters=None): ...

    @request("PUT /secrets-providers", SecretsProvider, names={"_type": "type"})
    def create(
        self, name, _type, connection_parameters=None, visibility="tenant", created_at=None, created_by=None
    ): ...

    @request("DELETE /secrets-providers/{name}")
    def delete(self, name): ...

    @request("GET /secrets-providers/{name}", SecretsProvider)
    def get(self, name): ...

    @request("GET /secrets-providers", [SecretsProvider])
    def list(self, _include=None, **kwargs): ...

    @request("PATCH /secrets-providers/{name}", SecretsProvider, names={"_type": "type"}, body=("name",))
    def update(self, name, _type, connection_parameters, visibility="tenant"): ...
