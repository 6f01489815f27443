"""The page of an execution: what was asked, what runs, when what ran, and why it failed."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from cloudwright.console import execution_view
from cloudwright.console.event_log import read_log
from cloudwright.console.visits import Visit, visited


async def show(visit: Visit, **more: Any) -> Response:
    """Return the page of the execution in the path."""
    id = visit.request.path_params["id"]
    state = await execution_view.read(visit, id)
    log = await read_log(visit, id)
    return visit.page("execution.html", **state, **log, **more)


async def show_live(visit: Visit, **more: Any) -> Response:
    """Return the part of the page that changes."""
    return visit.page(
        "_execution.html", **await execution_view.read(visit, visit.request.path_params["id"]), **more
    )


async def _page(visit: Visit) -> Response:
    return await show(visit)


async def _live(visit: Visit) -> Response:
    return await show_live(visit)


ROUTES = [Route("/executions/{id}", visited(_page)), Route("/executions/{id}/live", visited(_live))]
