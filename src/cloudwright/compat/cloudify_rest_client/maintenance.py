"""``cloudify_rest_client.maintenance``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class Maintenance(Record):
    pass


class MaintenanceModeClient(Resource):
    @request("POST /maintenance/activate", Maintenance)
    def activate(self): ...

    @request("POST /maintenance/deactivate", Maintenance)
    def deactivate(self): ...

    @request("GET /maintenance", Maintenance)
    def status(self): ...
