"""Choosing another tenant."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from cloudwright.console.visits import Visit, visited


async def _choose(visit: Visit) -> Response:
    found = await visit.rest.get("/tenants", _sort="name", _size=1000)
    names = [tenant["name"] for tenant in found["items"]]
    return visit.page(
        "tenants.html", choices=[(name, visit.root_url(f"t/{quote(name, safe='')}/")) for name in names]
    )


ROUTES = [Route("/switch", visited(_choose))]
