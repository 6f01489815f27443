"""``cloudify_rest_client.audit_log``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, page
from cloudwright.compat.cloudify_rest_client.responses import DeletedResponse
from cloudwright.compat.cloudify_rest_client.utils import get_all


class AuditLog(Record):
    pass


class AuditLogClient(Resource):
    def list(self, get_all=False, **kwargs):
        """Return one page of the log, or all of it."""
        if not get_all:
            return page(self.api.get("/audit", params=kwargs), AuditLog)
        items = list(_everything(self.api.get, "/audit", params=kwargs))
        return page({"items": items, "metadata": {"pagination": {"total": len(items)}}}, AuditLog)

    def delete(self, **kwargs):
        return DeletedResponse(**self.api.delete("/audit", params=kwargs))

    def inject(self, logs):
        self.api.post("/audit", data=logs)


_everything = get_all
