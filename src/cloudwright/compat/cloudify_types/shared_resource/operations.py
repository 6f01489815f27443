"""The operations of ``cloudify.nodes.SharedResource`` and of the relationships with one."""

from __future__ import annotations

from typing import Any

from cloudwright.child.current import ctx
from cloudwright.child.errors import NonRecoverableError
from cloudwright.compat.cloudify.manager import get_rest_client
from cloudwright.compat.cloudify_types._child_executions import run_workflow
from cloudwright.compat.cloudify_types._client import found, own_client, removed, resumable_operation, setting
from cloudwright.compat.cloudify_types._deployments import (
    DEPLOYMENT,
    capabilities_drift,
    check_state,
    deployment_of,
    keep_capabilities,
    recorded_id,
)
from cloudwright.compat.cloudify_types.shared_resource.constants import (
    SHARED_RESOURCE_TYPE,
    WORKFLOW_EXECUTION_TIMEOUT,
)


@resumable_operation
def connect_deployment(**inputs: Any) -> bool:
    """Record that this deployment uses the shared one, and keep the capabilities that it has."""
    client = own_client(inputs)
    config = setting("resource_config", inputs) or {}
    id = str((config.get("deployment") or {}).get("id") or "")
    if not id or found(client.deployments.get, id, _include=["id"]) is None:
        raise NonRecoverableError(
            f"The shared resource `{ctx.node.id}` is the deployment `{id}`, which does not exist in tenant "
            f"`{ctx.tenant_name}`."
        )
    client.inter_deployment_dependencies.create(_creator(), ctx.deployment.id, target_deployment=id)
    ctx.instance.runtime_properties[DEPLOYMENT] = {"id": id}
    keep_capabilities(client, id)
    return True


@resumable_operation
def disconnect_deployment(**inputs: Any) -> bool:
    """Take back what ``connect_deployment`` recorded; the shared deployment stays."""
    client = own_client(inputs)
    id = recorded_id(optional=True)
    if id is not None:
        removed(
            client.inter_deployment_dependencies.delete,
            "record that it is used",
            _creator(),
            ctx.deployment.id,
            target_deployment=id,
        )
    for name in (DEPLOYMENT, "capabilities"):
        ctx.instance.runtime_properties.pop(name, None)
    return True


@resumable_operation
def execute_workflow(
    workflow_id: str,
    parameters: dict[str, Any] | None = None,
    timeout: float | None = WORKFLOW_EXECUTION_TIMEOUT,
    redirect_logs: bool = False,
    **_: Any,
) -> bool:
    """Run a workflow of the shared deployment that the relationship leads to."""
    target = ctx.target
    if SHARED_RESOURCE_TYPE not in target.node.type_hierarchy:
        raise NonRecoverableError(
            f"The relationship of `{ctx.source.instance.id}` has to lead to a node of type "
            f"`{SHARED_RESOURCE_TYPE}`; `{target.node.id}` is of type `{target.node.type}`."
        )
    client = get_rest_client()
    id = deployment_of(target.instance)
    run_workflow(client, id, workflow_id, parameters, timeout=timeout, logs=redirect_logs)
    keep_capabilities(client, id, target.instance)
    return True


@resumable_operation
def refresh(**inputs: Any) -> None:
    """Keep the capabilities that the shared deployment has now."""
    keep_capabilities(own_client(inputs), deployment_of())


@resumable_operation
def check_status(**inputs: Any) -> None:
    """Raise NonRecoverableError if the shared deployment is missing, or not well."""
    check_state(own_client(inputs), deployment_of())


@resumable_operation
def check_drift(**inputs: Any) -> dict[str, Any] | None:
    """Return which capabilities of the shared deployment are not what was kept; None if all are."""
    changed = capabilities_drift(own_client(inputs), deployment_of())
    return {"capabilities": changed} if changed else None


def _creator() -> str:
    return f"sharedresource.{ctx.instance.id}"
