"""Lists of resources that this manager does not have.

Cloudify's command line and scripts read them together with others, and would fail at a 404. They are true:
there is none of any. Nothing else of these resources exists, so every other request for them is a 404.
"""

from __future__ import annotations

from typing import Any

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, ListQueryDep
from cloudwright.api.responses import JsonResponse, list_page
from cloudwright.api.routing import resource_router
from cloudwright.model import rest
from cloudwright.model.permissions import Permission

#: The path of each list, the permission to see it, and what a deployment has of it instead.
UNSUPPORTED = {
    "execution-groups": (Permission.EXECUTION_GROUP_LIST, "executions are started one by one"),
}

router = resource_router("unsupported")


def _add_list(path: str, permission: Permission, instead: str) -> None:
    @requires(permission)
    async def list_nothing(_context: ContextDep, query: ListQueryDep) -> JsonResponse:
        """Return an empty list, for clients that query resources this version does not support."""
        return list_page([], 0, query.page)

    router.add_api_route(
        f"/{path}",
        list_nothing,
        name=f"list_{path.replace('-', '_')}",
        summary=f"Always empty: {instead}",
        response_model=rest.Page[dict[str, Any]],
    )


for _path, (_permission, _instead) in UNSUPPORTED.items():
    _add_list(_path, _permission, _instead)
