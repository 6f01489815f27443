"""The fields of the records of long lists as the database's expressions.

They have the same values as ``serializers.py`` makes; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, false, func, literal_column, null, select, true

from cloudwright.model.event import EVENT
from cloudwright.model.execution import END_STATUSES, ExecutionStatus
from cloudwright.model.operation import OperationState
from cloudwright.storage.columns import is_, is_any
from cloudwright.storage.json_pages import JsonMember, ListOfOne, Projection
from cloudwright.storage.schema import deployments, events, executions, node_instances, operations


def _text(value: str) -> ColumnElement[str]:
    return literal_column(f"'{value}'", Text)


def _tasks(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    of_it = select(func.count()).where(operations.c.execution_id == executions.c.id, *conditions)
    return of_it.correlate(executions).scalar_subquery()


def _counted(stored: ColumnElement[int], *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """Tasks of an execution that runs are counted; for others it was stored when they ended."""
    return case(
        (_OVER, stored), (executions.c.term == literal_column("0"), stored), else_=_tasks(*conditions)
    )


_OVER = is_any(executions.c.status, END_STATUSES)
_STARTED = is_(operations.c.state, OperationState.STARTED)
_FINISHED = is_any(operations.c.state, {OperationState.SUCCEEDED, OperationState.FAILED})
_NULL: ColumnElement[Any] = null()

EXECUTION = Projection(
    {
        "id": executions.c.id,
        "workflow_id": executions.c.workflow_id,
        "deployment_id": executions.c.deployment_id,
        "deployment_display_name": func.coalesce(deployments.c.display_name, executions.c.deployment_id),
        "blueprint_id": executions.c.blueprint_id,
        "status": executions.c.status,
        "status_display": case(
            (is_(executions.c.status, ExecutionStatus.TERMINATED), _text("completed")),
            else_=executions.c.status,
        ),
        "error": executions.c.error,
        "parameters": executions.c.parameters,
        "is_system_workflow": executions.c.is_system_workflow,
        "is_dry_run": executions.c.is_dry_run,
        "allow_custom_parameters": executions.c.allow_custom_parameters,
        "created_at": executions.c.created_at,
        "scheduled_for": executions.c.scheduled_for,
        "started_at": executions.c.started_at,
        "ended_at": executions.c.ended_at,
        "total_operations": _counted(executions.c.total_operations),
        "finished_operations": _counted(executions.c.finished_operations, _FINISHED),
        "resumed": executions.c.resumed,
        "cancel_mode": executions.c.cancel_mode,
        "cancel_requested_by": executions.c.cancel_requested_by,
        "cancel_requested_at": executions.c.cancel_requested_at,
        "deadline": executions.c.deadline,
        "residual_operations": case((_OVER, _tasks(_STARTED)), else_=literal_column("0")),
        "tenant_name": executions.c.tenant,
        "created_by": executions.c.created_by,
        "visibility": func.coalesce(deployments.c.visibility, _text("tenant")),
    },
    beside=(
        (
            deployments,
            and_(deployments.c.tenant == executions.c.tenant, deployments.c.id == executions.c.deployment_id),
        ),
    ),
)

EVENT_OR_LOG = Projection(
    {
        "id": events.c.id,
        "_storage_id": events.c.id,
        "timestamp": events.c.timestamp,
        "reported_timestamp": events.c.timestamp,
        "type": events.c.kind,
        "event_type": events.c.event_type,
        "level": case((events.c.kind != _text(EVENT), events.c.level)),
        "logger": events.c.logger,
        "message": events.c.message,
        "execution_id": events.c.execution_id,
        "execution_group_id": _NULL,
        "workflow_id": executions.c.workflow_id,
        "deployment_id": executions.c.deployment_id,
        "deployment_display_name": executions.c.deployment_id,
        "blueprint_id": executions.c.blueprint_id,
        "node_name": node_instances.c.node_id,
        "node_instance_id": events.c.node_instance_id,
        "source_id": events.c.source_id,
        "target_id": events.c.target_id,
        "operation": events.c.operation,
        "operation_id": events.c.operation_id,
        "agent_name": _NULL,
        "manager_name": JsonMember(events.c.details, "worker"),
        "error_causes": ListOfOne(
            events.c.event_type == _text("task_failed"),
            {
                "type": JsonMember(events.c.details, "kind"),
                "message": JsonMember(events.c.details, "message"),
                "traceback": JsonMember(events.c.details, "traceback", otherwise=""),
            },
        ),
        "details": events.c.details,
    }
)

NODE_INSTANCE = Projection(
    {
        "id": node_instances.c.id,
        "node_id": node_instances.c.node_id,
        "deployment_id": node_instances.c.deployment_id,
        "host_id": node_instances.c.host_id,
        "index": node_instances.c.index,
        "state": node_instances.c.state,
        "version": node_instances.c.version,
        "runtime_properties": node_instances.c.runtime_properties,
        "system_properties": node_instances.c.system_properties,
        "relationships": node_instances.c.relationships,
        "scaling_groups": node_instances.c.scaling_groups,
        "is_status_check_ok": true(),
        "has_configuration_drift": false(),
        "tenant_name": deployments.c.tenant,
        "created_by": deployments.c.created_by,
        "visibility": deployments.c.visibility,
    },
    beside=(
        (
            deployments,
            and_(
                deployments.c.tenant == node_instances.c.tenant,
                deployments.c.id == node_instances.c.deployment_id,
            ),
        ),
    ),
)

#: Of lists that are narrowed to a tenant: those are joined to the executions already.
OPERATION = Projection(
    {
        "id": operations.c.id,
        "name": operations.c.name,
        "type": operations.c.kind,
        "state": operations.c.state,
        "residual": and_(_OVER, _STARTED),
        "attempt": operations.c.attempt,
        "tasks_graph_id": operations.c.graph_id,
        "execution_id": operations.c.execution_id,
        "dependencies": operations.c.depends_on,
        "parameters": operations.c.parameters,
        "result": operations.c.result,
        "failure": operations.c.failure,
        "plugin": operations.c.plugin,
        "executor": operations.c.executor,
        "node_instance_id": operations.c.instance_id,
        "source_id": operations.c.source_id,
        "target_id": operations.c.target_id,
        # Managers run every operation: no host has an agent.
        "agent_name": _NULL,
        "manager_name": operations.c.worker,
        "pid": operations.c.pid,
        "created_at": operations.c.created_at,
        "sent_at": operations.c.sent_at,
        "started_at": operations.c.started_at,
        "ended_at": operations.c.ended_at,
    }
)
