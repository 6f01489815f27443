"""``cloudify_rest_client.executions``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._files import instant
from cloudwright.compat.cloudify_rest_client._resource import Resource, ordered, request
from cloudwright.model.execution import END_STATUSES, ExecutionStatus


class Execution(Record):
    TERMINATED = ExecutionStatus.TERMINATED.value
    FAILED = ExecutionStatus.FAILED.value
    CANCELLED = ExecutionStatus.CANCELLED.value
    PENDING = ExecutionStatus.PENDING.value
    STARTED = ExecutionStatus.STARTED.value
    CANCELLING = ExecutionStatus.CANCELLING.value
    FORCE_CANCELLING = ExecutionStatus.FORCE_CANCELLING.value
    KILL_CANCELLING = ExecutionStatus.KILL_CANCELLING.value
    QUEUED = ExecutionStatus.QUEUED.value
    SCHEDULED = ExecutionStatus.SCHEDULED.value
    END_STATES = [status.value for status in END_STATUSES]

    @property
    def parameters(self):
        return self.get("parameters") or {}


class ExecutionGroup(Record):
    pass


def restore_status_error_mapped(*_, **__):
    """Refused: it belongs to Cloudify"s own snapshots."""
    raise NotImplementedError("Executions of a Cloudify snapshot cannot be restored here.")


class ExecutionsClient(Resource):
    def cancel(self, execution_id, force=False, kill=False):
        action = "kill" if kill else "force-cancel" if force else "cancel"
        return Execution(self.api.post(f"/executions/{execution_id}", data={"action": action}))

    @request("POST /executions", Execution, names={"schedule": "scheduled_time", "execution_id": "id"})
    def create(
        self,
        deployment_id,
        workflow_id,
        parameters=None,
        allow_custom_parameters=False,
        force=False,
        dry_run=False,
        queue=False,
        schedule=None,
        force_status=None,
        created_by=None,
        created_at=None,
        started_at=None,
        ended_at=None,
        execution_id=None,
        wait_after_fail=600,
        is_system_workflow=None,
        error=None,
    ): ...

    def delete(self, to_datetime=None, keep_last=None, **kwargs):
        """Delete executions that are over; return how many."""
        data = {"to_datetime": instant(to_datetime), "keep_last": keep_last}
        data = {key: value for key, value in data.items() if value}
        return self.api.delete("/executions", data=data, params=kwargs)["items"][0]["count"]

    @request("GET /executions/{execution_id}", Execution)
    def get(self, execution_id, _include=None): ...

    def list(
        self,
        _include=None,
        deployment_id=None,
        include_system_workflows=False,
        sort=None,
        is_descending=False,
        **kwargs,
    ):
        params = {"_include_system_workflows": include_system_workflows, **kwargs}
        if deployment_id:
            params["deployment_id"] = deployment_id
        return self.filtered(
            "/executions", "", Execution, ordered(params, sort, is_descending), _include=_include
        )

    @request("POST /executions/{execution_id}", Execution, fixed={"action": "requeue"})
    def requeue(self, execution_id): ...

    def resume(self, execution_id, force=False):
        action = "force-resume" if force else "resume"
        return Execution(self.api.post(f"/executions/{execution_id}", data={"action": action}))

    @request("GET /executions/{execution_id}/should-start", dict)
    def should_start(self, execution_id): ...

    @request("PATCH /executions/{execution_id}", Execution)
    def update(self, execution_id, status, error=None): ...

    start = create


class ExecutionGroupsClient(Resource):
    def cancel(self, execution_group_id, force=False, kill=False):
        action = "kill" if kill else "force-cancel" if force else "cancel"
        where = f"/execution-groups/{execution_group_id}"
        return ExecutionGroup(self.api.post(where, data={"action": action}))

    @request(
        "POST /execution-groups",
        ExecutionGroup,
        names={"executions": "associated_executions"},
        always=("id", "parameters", "default_parameters"),
    )
    def create(
        self,
        deployment_group_id,
        workflow_id,
        executions,
        force=False,
        default_parameters=None,
        parameters=None,
        concurrency=5,
        created_by=None,
        created_at=None,
        id=None,
    ): ...

    @request("GET /execution-groups/{execution_group_id}", ExecutionGroup)
    def get(self, execution_group_id, _include=None): ...

    @request("GET /execution-groups", [ExecutionGroup])
    def list(self, _include=None, **kwargs): ...

    def resume(self, execution_group_id, force=False):
        where = f"/execution-groups/{execution_group_id}"
        return ExecutionGroup(self.api.post(where, data={"action": "force-resume" if force else "resume"}))

    @request("PATCH /execution-groups/{execution_group_id}", ExecutionGroup)
    def set_concurrency(self, execution_group_id, concurrency): ...

    @request(
        "PATCH /execution-groups/{execution_group_id}",
        ExecutionGroup,
        names={"success_group": "success_group_id", "failed_group": "failure_group_id"},
        always=("success_group", "failed_group"),
    )
    def set_target_group(self, execution_group_id, success_group=None, failed_group=None): ...

    @request("POST /execution-groups", ExecutionGroup, always=("parameters", "default_parameters"))
    def start(
        self,
        deployment_group_id,
        workflow_id,
        force=False,
        default_parameters=None,
        parameters=None,
        concurrency=5,
    ): ...
