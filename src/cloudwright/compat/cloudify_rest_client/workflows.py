"""``cloudify_rest_client.workflows``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource


class Workflow(Record):
    @property
    def id(self):
        return self["name"]

    @property
    def is_available(self):
        return self.get("is_available", True)


class WorkflowsClient(Resource):
    def list(self, filter_id=None, filter_rules=None, **kwargs):
        params = {**kwargs, **({"_filter_id": filter_id} if filter_id else {})}
        return self.filtered(
            "/workflows", "/searches/workflows", Workflow, params, filter_rules=filter_rules or None
        )
