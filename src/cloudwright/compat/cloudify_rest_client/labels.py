"""``cloudify_rest_client.labels``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class Label(Record):
    pass


class DeploymentsLabelsClient(Resource):
    @request("GET /labels/deployments", [dict], fixed={"_reserved": True})
    def get_reserved_labels_keys(self): ...

    @request("GET /labels/deployments/{label_key}", [dict])
    def list_key_values(self, label_key): ...

    @request("GET /labels/deployments", [dict])
    def list_keys(self): ...


class BlueprintsLabelsClient(Resource):
    @request("GET /labels/blueprints", [dict], fixed={"_reserved": True})
    def get_reserved_labels_keys(self): ...

    @request("GET /labels/blueprints/{label_key}", [dict])
    def list_key_values(self, label_key): ...

    @request("GET /labels/blueprints", [dict])
    def list_keys(self): ...
