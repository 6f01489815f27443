"""Links that open the console signed in."""

from __future__ import annotations

from urllib.parse import urlencode

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep
from cloudwright.api.responses import JsonResponse, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.model import rest
from cloudwright.model.permissions import Permission

router = resource_router("console", "/console-links")


@router.post("", response_model=rest.ConsoleLink)
@requires(Permission.CREATE_TOKEN)
async def create_link(context: ContextDep) -> JsonResponse:
    """Create a link that opens the console as the current user once, within two minutes.

    `path` is to be put behind the manager's address.
    """
    code, expires_at = await context.manager.sessions.create_link(context.principal)
    query = urlencode({"code": code, "tenant": context.tenant})
    return JsonResponse({"path": f"/console/open?{query}", "expires_at": timestamp(expires_at)})
