"""Records of the store become what clients receive."""

from __future__ import annotations

from typing import Any

from cloudwright.api.plans import expand_plan
from cloudwright.api.responses import optional_timestamp, timestamp
from cloudwright.manager.blueprints import END_STATES, FAILED_STATES, UPLOADED, Validation
from cloudwright.manager.snapshots import Work
from cloudwright.manager.views import DeploymentView, NodeView
from cloudwright.manager.workflow_availability import is_available
from cloudwright.model import rest
from cloudwright.model.execution import END_STATUSES, ExecutionStatus
from cloudwright.planning import shown_inputs
from cloudwright.storage.executions.recorded import Recorded
from cloudwright.storage.records import (
    Blueprint,
    Execution,
    GraphRow,
    JsonObject,
    Plugin,
    Token,
)

# The word that users have always been shown for it.
_DISPLAY = {ExecutionStatus.TERMINATED: "completed"}
_WELL = "started"


def blueprint(row: Blueprint, *, with_plan: bool = False) -> rest.Blueprint:
    made: rest.Blueprint = {
        "id": row.id,
        "main_file_name": row.main_file_name,
        "description": row.description,
        "state": row.state,
        "error": row.error,
        "error_traceback": None,
        "labels": labels(row.labels),
        "created_at": optional_timestamp(row.created_at),
        "updated_at": optional_timestamp(row.updated_at),
        "upload_execution": {"id": row.upload_execution} if row.upload_execution else None,
        "is_hidden": False,
        "requirements": row.requirements,
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": row.visibility,
    }
    if with_plan:
        made["plan"] = expand_plan(row.plan)
    return made


def validated(tenant: str, id: str, validation: Validation, by: str) -> rest.Blueprint:
    """Return a blueprint that was only validated: nothing of it is stored but the execution."""
    row = Blueprint(
        id=id,
        tenant=tenant,
        state="validating",
        visibility="private",
        created_by=by,
        created_at=validation.began,
        updated_at=validation.began,
        upload_execution=validation.execution_id,
    )
    return blueprint(row)


def labels(stored: list[dict[str, Any]]) -> list[rest.Label]:
    return [
        {
            "key": label["key"],
            "value": label["value"],
            "created_at": label["created_at"],
            "created_by": label.get("created_by"),
            "creator_id": None,
        }
        for label in stored
    ]


def deployment(view: DeploymentView) -> rest.Deployment:
    row, latest = view.deployment, view.latest
    installation_status, deployment_status = deployment_states(view)
    return {
        "id": row.id,
        "display_name": row.display_name,
        "description": row.description,
        "blueprint_id": row.blueprint_id,
        "inputs": shown_inputs(row.inputs),
        "outputs": row.outputs,
        "capabilities": row.capabilities,
        "workflows": workflows(view),
        "groups": row.groups,
        "policy_types": {},
        "policy_triggers": {},
        "scaling_groups": row.scaling_groups,
        "labels": labels(row.labels),
        "resource_tags": row.resource_tags,
        "runtime_only_evaluation": row.runtime_only_evaluation,
        "site_name": row.site_name,
        "settings": row.settings,
        "created_at": optional_timestamp(row.created_at),
        "updated_at": optional_timestamp(row.updated_at),
        "installation_status": installation_status,
        "deployment_status": deployment_status,
        "create_execution": row.create_execution,
        "left_behind": row.left_behind or [],
        "latest_execution": latest.id if latest else None,
        "latest_execution_id": latest.id if latest else None,
        "latest_execution_status": _LATEST.get(latest.status, "in_progress") if latest else None,
        "latest_execution_workflow_id": latest.workflow_id if latest else None,
        "latest_execution_total_operations": view.latest_counts.total,
        "latest_execution_finished_operations": view.latest_counts.finished,
        "unavailable_instances": view.health.unavailable,
        "drifted_instances": view.health.drifted,
        "sub_services_count": 0,
        "sub_services_status": None,
        "sub_environments_count": 0,
        "sub_environments_status": None,
        "deployment_groups": list(view.groups),
        "environment_type": "",
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": row.visibility,
    }


_LATEST = {
    ExecutionStatus.TERMINATED: "completed",
    ExecutionStatus.FAILED: "failed",
    ExecutionStatus.CANCELLED: "cancelled",
}


def deployment_states(view: DeploymentView) -> tuple[str, str]:
    """Return the installation's status, and that of the deployment."""
    installed = bool(view.states) and set(view.states) == {_WELL}
    return "active" if installed else "inactive", _deployment_status(view.latest, installed)


def _deployment_status(latest: Execution | None, installed: bool) -> str:
    if latest is not None and latest.status not in END_STATUSES:
        return "in_progress"
    failed = latest is not None and latest.status is ExecutionStatus.FAILED
    return "good" if installed and not failed else "requires_attention"


def workflows(view: DeploymentView) -> list[rest.Workflow]:
    created = optional_timestamp(view.deployment.created_at)
    return [
        {
            "name": name,
            "plugin": definition.get("plugin"),
            "operation": definition.get("operation"),
            "parameters": definition.get("parameters") or {},
            "is_cascading": bool(definition.get("is_cascading")),
            "is_available": is_available(definition, view.states, view.types),
            "availability_rules": definition.get("availability_rules") or None,
            "created_at": created,
        }
        for name, definition in sorted(view.deployment.workflows.items())
    ]


def node(view: NodeView) -> rest.Node:
    row, owner = view.node, view.owner
    scalable = ((row.node.get("capabilities") or {}).get("scalable") or {}).get("properties") or {}
    deployed = (row.node.get("instances") or {}).get("deploy", scalable.get("default_instances", 1))
    return {
        "id": row.id,
        "deployment_id": row.deployment_id,
        "blueprint_id": owner.blueprint_id if owner else None,
        "type": row.node["type"],
        "type_hierarchy": row.node.get("type_hierarchy") or [],
        "host_id": row.node.get("host_id"),
        "properties": row.node.get("properties") or {},
        "operations": row.node.get("operations") or {},
        "relationships": row.node.get("relationships") or [],
        "plugins": row.node.get("plugins") or [],
        "plugins_to_install": row.node.get("plugins_to_install"),
        "number_of_instances": row.instances,
        "planned_number_of_instances": row.planned_instances,
        "deploy_number_of_instances": deployed,
        "min_number_of_instances": scalable.get("min_instances", 0),
        "max_number_of_instances": scalable.get("max_instances", -1),
        "actual_number_of_instances": row.instances,
        "actual_planned_number_of_instances": row.planned_instances,
        "unavailable_instances": view.health.unavailable,
        "drifted_instances": view.health.drifted,
        "tenant_name": row.tenant,
        "created_by": owner.created_by if owner else None,
        "visibility": owner.visibility if owner else None,
    }


def plan_node(blueprint_id: str, node: JsonObject) -> rest.Node:
    """Return a node of a blueprint's plan, which is in no deployment yet."""
    return {
        "id": node["id"],
        "blueprint_id": blueprint_id,
        "type": node["type"],
        "type_hierarchy": node.get("type_hierarchy") or [],
        "host_id": node.get("host_id"),
        "properties": node.get("properties") or {},
        "operations": node.get("operations") or {},
        "relationships": node.get("relationships") or [],
        "plugins": node.get("plugins") or [],
        "plugins_to_install": node.get("plugins_to_install"),
    }


def upload(row: Blueprint) -> rest.Execution:
    """Return a blueprint's upload, while it runs, as the execution that is stored at its end."""
    if row.state == UPLOADED:
        status = ExecutionStatus.TERMINATED
    elif row.state in FAILED_STATES:
        status = ExecutionStatus.FAILED
    else:
        status = ExecutionStatus.STARTED
    return {
        "id": row.upload_execution or "",
        "workflow_id": Recorded.UPLOAD_BLUEPRINT,
        "deployment_id": None,
        "deployment_display_name": None,
        "blueprint_id": row.id,
        "status": status,
        "status_display": _DISPLAY.get(status, str(status)),
        "error": row.error,
        "parameters": {},
        "is_system_workflow": False,
        "is_dry_run": False,
        "is_resumable": False,
        "created_at": optional_timestamp(row.created_at) or "",
        "started_at": optional_timestamp(row.created_at),
        "ended_at": optional_timestamp(row.updated_at) if row.state in END_STATES else None,
        "total_operations": 0,
        "finished_operations": 0,
        "residual_operations": 0,
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": row.visibility,
    }


def snapshot_work(work: Work) -> rest.Execution:
    """Return what is done with a snapshot, while it runs, as the execution that is stored at its end."""
    began = timestamp(work.began)
    return {
        "id": work.execution_id,
        "workflow_id": work.workflow,
        "deployment_id": None,
        "deployment_display_name": None,
        "blueprint_id": None,
        "status": ExecutionStatus.STARTED,
        "status_display": str(ExecutionStatus.STARTED),
        "error": None,
        "parameters": {"snapshot_id": work.snapshot_id},
        "is_system_workflow": False,
        "is_dry_run": False,
        "is_resumable": False,
        "created_at": began,
        "started_at": began,
        "ended_at": None,
        "total_operations": 0,
        "finished_operations": 0,
        "residual_operations": 0,
        "tenant_name": work.tenant,
        "created_by": work.by,
        "visibility": "tenant",
    }


def tasks_graph(row: GraphRow) -> rest.TasksGraph:
    return {
        "id": row.id,
        "execution_id": row.execution_id,
        "name": row.name,
        "created_at": timestamp(row.created_at),
    }


def plugin(row: Plugin) -> rest.Plugin:
    said = row.plugin_yaml or {}
    return {
        "id": row.id,
        "package_name": row.package_name,
        "package_version": row.package_version,
        "title": row.title,
        "archive_name": row.archive_name,
        "package_source": None,
        "supported_platform": None,
        "distribution": row.distribution,
        "distribution_version": None,
        "distribution_release": None,
        "file_server_path": None,
        # It is installed where and when it is first needed.
        "installation_state": [],
        "labels": _values_of_labels(said.get("labels")),
        "blueprint_labels": _values_of_labels(said.get("blueprint_labels")),
        "resource_tags": _mapping(said.get("resource_tags")),
        "yaml_url_path": f"plugin:{row.package_name}?version={row.package_version}",
        "uploaded_at": optional_timestamp(row.created_at),
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": row.visibility,
    }


def _values_of_labels(section: Any) -> dict[str, list[Any]]:
    """Return the values by their keys of labels as a file declares them, whatever it says."""
    return {key: list(_mapping(entry).get("values") or ()) for key, entry in _mapping(section).items()}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def token(row: Token, role: str | None, value: str) -> rest.Token:
    return {
        "id": row.id,
        "username": row.username,
        "role": role,
        "description": row.description,
        "value": value,
        "expiration_date": optional_timestamp(row.expires_at),
        "last_used": optional_timestamp(row.last_used),
    }
