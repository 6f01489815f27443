"""Deployments below this one: its components, and those that are a part of it by their label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudwright.builtin.steps import COMPONENT
from cloudwright.child import rest
from cloudwright.child.errors import NonRecoverableError
from cloudwright.workflow.context import WorkflowContext
from cloudwright.workflow.topology import WorkflowNode

#: The label with which a deployment says which one it is a part of.
PARENT = "csys-obj-parent"
_UNINSTALL = "uninstall"
_FIELDS = "id,labels,installation_status"


def check_component_ids(ctx: WorkflowContext, wanted: Mapping[str, Any]) -> None:
    """Raise ValueError if a modification would add an instance to a component whose deployment has a fixed
    id: each instance makes one.
    """
    fixed = {node.id: id for node in ctx.nodes if (id := _fixed_id(node)) is not None}
    if not fixed:
        return
    for change in ctx.deployment.preview_modification(wanted):
        if change["action"] == "add" and change["node_id"] in fixed:
            node = change["node_id"]
            raise ValueError(
                f"The component `{node}` cannot have another instance: its deployment has the fixed id "
                f"`{fixed[node]}`. With `auto_inc_suffix: true` each instance makes one of its own."
            )


def _fixed_id(node: WorkflowNode) -> Any:
    """Return the id of the deployment that every instance of a component makes; None if each has its own."""
    if COMPONENT not in node.type_hierarchy:
        return None
    deployment = (node.properties.get("resource_config") or {}).get("deployment") or {}
    is_shared = deployment.get("external_resource") or deployment.get("auto_inc_suffix")
    return None if is_shared or not isinstance(deployment.get("id"), str) else deployment["id"]


def uninstall_parts(ctx: WorkflowContext, ignore_failure: bool) -> None:
    """Uninstall the parts of this deployment, and theirs before them.

    Raises NonRecoverableError if one of them does not end well, unless ``ignore_failure``.
    """
    call = ctx.internal.call
    listed = rest.records(call, "/deployments", {"_include": _FIELDS, "_get_all_results": True})
    parts = [one.id for one in listed if _is_part(one, ctx.deployment.id)]
    executions = {id: _execution(ctx, id, ignore_failure) for id in parts}
    failed = []
    for id, execution in executions.items():
        ctx.logger.info("Waiting for execution %s, which uninstalls `%s`", execution, id)
        ended = call("await_execution", id=execution)
        if ended["status"] != "terminated":
            failed.append(f"`{id}` (execution {execution} {ended['status']}: {ended['error']})")
    if failed and not ignore_failure:
        raise NonRecoverableError(
            f"Deployments that are a part of `{ctx.deployment.id}` were not uninstalled: {', '.join(failed)}."
        )


def _is_part(one: Any, of: str) -> bool:
    labelled = any(label["key"] == PARENT and label["value"] == of for label in one.labels)
    return labelled and one.id != of and one.installation_status == "active"


def _execution(ctx: WorkflowContext, id: str, ignore_failure: bool) -> str:
    """Return the id of the execution that uninstalls a part, which an earlier process may have started."""
    call = ctx.internal.call
    known = rest.records(
        call,
        "/executions",
        {
            "parent_id": ctx.execution_id,
            "deployment_id": id,
            "workflow_id": _UNINSTALL,
            "_sort": "-created_at",
        },
    )
    if len(known) and known[0].status not in ("failed", "cancelled"):
        return str(known[0].id)
    body = {
        "deployment_id": id,
        "workflow_id": _UNINSTALL,
        "parameters": {"recursive": True, "ignore_failure": ignore_failure},
        "as_child": True,
    }
    return str(rest.request(call, "POST", "/executions", body=body).body["id"])
