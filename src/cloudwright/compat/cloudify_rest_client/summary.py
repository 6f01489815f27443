"""``cloudify_rest_client.summary``."""

from __future__ import annotations

from cloudwright.compat.cloudify_rest_client._resource import Resource, page

_SUMMARIES = ("blueprints", "deployments", "executions", "nodes", "node_instances", "execution_schedules")


class SummaryClient(Resource):
    """How many things of one kind there are, by one or two of their fields."""

    def __init__(self, api, summary_type=""):
        super().__init__(api)
        self.summary_type = summary_type

    def get(self, _target_field, _sub_field=None, **kwargs):
        params = {"_target_field": _target_field, **kwargs}
        if _sub_field:
            params["_sub_field"] = _sub_field
        return page(self.api.get(f"/summary/{self.summary_type}", params=params), dict)


class SummariesClient(Resource):
    def __init__(self, api):
        super().__init__(api)
        for kind in _SUMMARIES:
            setattr(self, kind, SummaryClient(api, kind))
