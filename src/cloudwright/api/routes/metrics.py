"""What the manager measures of itself, for Prometheus."""

from __future__ import annotations

import secrets

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from cloudwright.api.loop_lag import LoopLag
from cloudwright.api.middleware import METRICS_PATH
from cloudwright.errors import Unauthorized
from cloudwright.manager.manager import Manager
from cloudwright.storage import manager_queries

router = APIRouter(tags=["system"])


@router.get(METRICS_PATH, response_class=Response)
async def read_metrics(request: Request) -> Response:
    """Return the metrics in Prometheus' text format. The token is that of `metrics.token` in the manager's
    home, sent as `Authorization: Bearer TOKEN`; it is good for nothing else.
    """
    manager: Manager = request.app.state.manager
    lag: LoopLag = request.app.state.loop_lag
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given, expected = token.strip().encode(), manager.metrics_token.encode()
    if scheme.lower() != "bearer" or not secrets.compare_digest(given, expected):
        raise Unauthorized(
            "Metrics are read with the token of `metrics.token` in the manager's home: "
            "`Authorization: Bearer TOKEN`."
        )
    statuses = await manager.store.read(manager_queries.count_unended)
    return Response(manager.metrics.text(statuses, lag.largest), media_type=CONTENT_TYPE_LATEST)
