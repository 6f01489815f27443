"""Lists of resources that this manager does not have.

Cloudify's command line and scripts read them together with others, and would fail at a 404. They are true:
there is none of any. Nothing else of these resources exists, so every other request for them is a 404.
"""

from __future__ import annotations

from typing import Any

from cloudwright.api.authorization import Permission, requires
from cloudwright.api.dependencies import ContextDep, ListQueryDep
from cloudwright.api.responses import JsonResponse, list_page
from cloudwright.api.routing import resource_router
from cloudwright.model import rest

#: The path of each list, and what a deployment has of it instead.
UNSUPPORTED = {
    "agents": "operations run on the manager",
    "deployment-groups": "deployments are not grouped",
    "execution-groups": "executions are started one by one",
    "execution-schedules": "`scheduled_time` starts an execution once",
    "snapshots": "a backup is a copy of the manager's home and database",
}

router = resource_router("unsupported")


@requires(Permission.READ)
async def list_nothing(_context: ContextDep, query: ListQueryDep) -> JsonResponse:
    """Return an empty list, for clients that query resources this version does not support."""
    return list_page([], 0, query.page)


for _path, _instead in UNSUPPORTED.items():
    router.add_api_route(
        f"/{_path}",
        list_nothing,
        name=f"list_{_path.replace('-', '_')}",
        summary=f"Always empty: {_instead}",
        response_model=rest.Page[dict[str, Any]],
    )
