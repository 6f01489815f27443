"""``cloudify_rest_client.permissions``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, page, request


class Permission(Record):
    pass


class PermissionsClient(Resource):
    @request("PUT /permissions/{role}/{permission}")
    def add(self, permission, role): ...

    @request("DELETE /permissions/{role}/{permission}")
    def delete(self, permission, role): ...

    def list(self, role=None):
        return page(self.api.get(f"/permissions/{role}" if role else "/permissions"), Permission)
