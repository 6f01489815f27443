"""Intrinsic functions, evaluated as things are now."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep
from cloudwright.api.responses import JsonResponse
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.model import rest
from cloudwright.model.permissions import Permission

router = resource_router("evaluate", "/evaluate")

#: What of a context is looked at; clients name the nodes of the instances too, which these say already.
_ROLES = ("self", "source", "target")
_NODES = ("source_node", "target_node")


class Evaluation(BaseModel):
    """``context`` says which node instances are `SELF`, `SOURCE` and `TARGET`, or the nodes of only one."""

    deployment_id: str
    context: dict[str, Any] = {}
    payload: dict[str, Any]


@router.post("/functions", response_model=rest.Evaluated)
@requires(Permission.FUNCTIONS_EVALUATE)
async def evaluate_functions(context: ContextDep, wanted: Evaluation) -> JsonResponse:
    """Return the payload with its functions evaluated in a deployment."""
    for name, value in wanted.context.items():
        if name not in (*_ROLES, *_NODES):
            raise InvalidInput(f"A context has no `{name[:200]}`; it may have: {', '.join(_ROLES)}.")
        if value is not None and not isinstance(value, str):
            raise InvalidInput(f"The context's `{name}` is the id of a node instance.")
    await context.check_seen("deployments", wanted.deployment_id)
    payload = await context.manager.deployments.evaluate(
        context.viewer,
        context.tenant,
        wanted.deployment_id,
        wanted.payload,
        self_id=wanted.context.get("self"),
        source_id=wanted.context.get("source"),
        target_id=wanted.context.get("target"),
    )
    return JsonResponse({"deployment_id": wanted.deployment_id, "payload": payload})
