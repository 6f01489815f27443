"""``cloudify_rest_client.idp``."""

from __future__ import annotations

from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class IdentityProviderClient(Resource):
    @request("GET /idp", dict)
    def get(self): ...
