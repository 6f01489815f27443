"""Deployments that are a part of this one by their label: uninstalled before it, if that is asked for."""

from __future__ import annotations

from typing import Any

from cloudwright.child import rest
from cloudwright.child.errors import NonRecoverableError
from cloudwright.workflow.context import WorkflowContext

#: The label with which a deployment says which one it is a part of.
PARENT = "csys-obj-parent"
_UNINSTALL = "uninstall"
_FIELDS = "id,labels,installation_status"


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
