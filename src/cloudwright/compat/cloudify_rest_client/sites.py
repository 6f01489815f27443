"""``cloudify_rest_client.sites``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class Site(Record):
    pass


class SitesClient(Resource):
    @request("PUT /sites/{name}", Site)
    def create(self, name, location=None, visibility="tenant", created_by=None, created_at=None): ...

    @request("DELETE /sites/{name}")
    def delete(self, name): ...

    @request("GET /sites/{name}", Site)
    def get(self, name): ...

    @request("GET /sites", [Site])
    def list(self, _include=None, sort=None, is_descending=False, **kwargs): ...

    @request("POST /sites/{name}", Site)
    def update(self, name, location=None, visibility="tenant", new_name=None): ...
