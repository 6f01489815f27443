"""``cloudify_rest_client.cluster``."""

from __future__ import annotations

from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class ClusterStatusClient(Resource):
    @request("GET /cluster-status", dict, names={"summary_format": "summary"})
    def get_status(self, summary_format=False): ...
