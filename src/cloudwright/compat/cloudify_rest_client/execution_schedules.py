"""``cloudify_rest_client.execution_schedules``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._files import instant
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class ExecutionSchedule(Record):
    pass


class ExecutionSchedulesClient(Resource):
    def create(
        self,
        schedule_id,
        deployment_id,
        workflow_id,
        execution_arguments=None,
        parameters=None,
        since=None,
        until=None,
        recurrence=None,
        count=None,
        weekdays=None,
        rrule=None,
        slip=0,
        stop_on_fail=False,
        created_by=None,
        created_at=None,
        enabled=True,
    ):
        data = {
            "workflow_id": workflow_id,
            "execution_arguments": execution_arguments,
            "parameters": parameters,
            "since": instant(since),
            "until": instant(until),
            "recurrence": recurrence,
            "count": count,
            "weekdays": weekdays,
            "rrule": rrule,
            "slip": slip,
            "stop_on_fail": stop_on_fail,
            "enabled": enabled,
        }
        data |= {k: v for k, v in (("created_by", created_by), ("created_at", created_at)) if v}
        where = f"/execution-schedules/{schedule_id}"
        return ExecutionSchedule(self.api.put(where, data=data, params={"deployment_id": deployment_id}))

    @request("DELETE /execution-schedules/{schedule_id}")
    def delete(self, schedule_id, deployment_id): ...

    @request("GET /execution-schedules/{schedule_id}", ExecutionSchedule)
    def get(self, schedule_id, deployment_id, _include=None): ...

    @request("GET /execution-schedules", [ExecutionSchedule])
    def list(self, _include=None, sort=None, is_descending=False, **kwargs): ...

    def update(
        self,
        schedule_id,
        deployment_id,
        since=None,
        until=None,
        recurrence=None,
        count=None,
        weekdays=None,
        rrule=None,
        slip=None,
        stop_on_fail=None,
        enabled=None,
        workflow_id=None,
    ):
        data = {
            "since": instant(since),
            "until": instant(until),
            "recurrence": recurrence,
            "count": count,
            "weekdays": weekdays,
            "rrule": rrule,
            "slip": slip,
            "stop_on_fail": stop_on_fail,
            "enabled": enabled,
            "workflow_id": workflow_id,
        }
        where = f"/execution-schedules/{schedule_id}"
        return ExecutionSchedule(self.api.patch(where, data=data, params={"deployment_id": deployment_id}))
