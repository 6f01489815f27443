"""``cloudify_rest_client.filters``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class Filter(Record):
    pass


class DeploymentsFiltersClient(Resource):
    @request("PUT /filters/deployments/{filter_id}", Filter)
    def create(self, filter_id, filter_rules, visibility="tenant", created_at=None, created_by=None): ...

    @request("DELETE /filters/deployments/{filter_id}")
    def delete(self, filter_id): ...

    @request("GET /filters/deployments/{filter_id}", Filter)
    def get(self, filter_id): ...

    @request("GET /filters/deployments", [Filter])
    def list(self, sort=None, is_descending=False, **kwargs): ...

    def update(self, filter_id, new_filter_rules=None, new_visibility=None):
        """Raises RuntimeError if nothing is to be changed."""
        if not new_filter_rules and not new_visibility:
            raise RuntimeError("A filter is updated with `new_filter_rules`, `new_visibility` or both.")
        data = {"filter_rules": new_filter_rules, "visibility": new_visibility}
        data = {key: value for key, value in data.items() if value}
        return Filter(self.api.patch(f"/filters/deployments/{filter_id}", data=data))


class BlueprintsFiltersClient(Resource):
    @request("PUT /filters/blueprints/{filter_id}", Filter)
    def create(self, filter_id, filter_rules, visibility="tenant", created_at=None, created_by=None): ...

    @request("DELETE /filters/blueprints/{filter_id}")
    def delete(self, filter_id): ...

    @request("GET /filters/blueprints/{filter_id}", Filter)
    def get(self, filter_id): ...

    @request("GET /filters/blueprints", [Filter])
    def list(self, sort=None, is_descending=False, **kwargs): ...

    def update(self, filter_id, new_filter_rules=None, new_visibility=None):
        """Raises RuntimeError if nothing is to be changed."""
        if not new_filter_rules and not new_visibility:
            raise RuntimeError("A filter is updated with `new_filter_rules`, `new_visibility` or both.")
        data = {"filter_rules": new_filter_rules, "visibility": new_visibility}
        data = {key: value for key, value in data.items() if value}
        return Filter(self.api.patch(f"/filters/blueprints/{filter_id}", data=data))
