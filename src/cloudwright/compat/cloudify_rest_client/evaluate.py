"""``cloudify_rest_client.evaluate``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class EvaluatedFunctions(Record):
    pass


class EvaluateClient(Resource):
    @request("POST /evaluate/functions", EvaluatedFunctions)
    def functions(self, deployment_id, context, payload): ...
