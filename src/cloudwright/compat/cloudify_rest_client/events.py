"""``cloudify_rest_client.events``."""

from __future__ import annotations

from cloudwright.compat.cloudify_rest_client._files import instant
from cloudwright.compat.cloudify_rest_client._resource import Resource, ordered, page, request


def _query(include_logs, message, from_datetime, to_datetime, sort, filters):
    params = {**filters, "type": ["cloudify_event", *(["cloudify_log"] if include_logs else [])]}
    if message:
        params["message.text"] = str(message)
    if from_datetime or to_datetime:
        between = f"@timestamp,{instant(from_datetime) or ''},{instant(to_datetime) or ''}"
        params["_range"] = [*params.get("_range", []), between]
    return ordered(params, sort, False)


class EventsClient(Resource):
    @request("POST /events", always=("events", "logs", "agent_name", "manager_name"))
    def create(
        self,
        events=None,
        logs=None,
        execution_id=None,
        agent_name=None,
        manager_name=None,
        execution_group_id=None,
    ): ...

    def delete(
        self,
        deployment_id,
        include_logs=False,
        message=None,
        from_datetime=None,
        to_datetime=None,
        sort=None,
        **kwargs,
    ):
        params = _query(include_logs, message, from_datetime, to_datetime, sort, kwargs)
        return page(self.api.delete("/events", params={**params, "deployment_id": deployment_id}), dict)

    def get(self, execution_id, from_event=0, batch_size=100, include_logs=False):
        """Return some events of an execution, and how many there are in all; ``list`` can do more."""
        found = self.list(
            include_logs, execution_id=execution_id, _offset=from_event, _size=batch_size, _sort="@timestamp"
        )
        return found.items, found.metadata.pagination.total

    def list(
        self,
        include_logs=False,
        message=None,
        from_datetime=None,
        to_datetime=None,
        _include=None,
        sort=None,
        **kwargs,
    ):
        params = _query(include_logs, message, from_datetime, to_datetime, sort, kwargs)
        return page(self.api.get("/events", _include=_include, params=params), dict)
