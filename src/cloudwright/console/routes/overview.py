"""The first page: what waits for somebody, what runs, what failed lately, and what comes next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from cloudwright.api.routes import agents as api_agents
from cloudwright.api.routes import execution_schedules as api_schedules
from cloudwright.console.formatting import parse_time, seconds_between
from cloudwright.console.routes.executions import CANCELLING, FIELDS, RUNNING, WAITING
from cloudwright.console.visits import Visit, visited

#: How many of each are shown; the numbers above are links to all of them.
SHOWN = 8
#: A cancellation that takes longer is worth a look.
LONG = timedelta(seconds=30)
LATELY = timedelta(days=1)
_FAILED_READ = 50
_EMPTY: dict[str, Any] = {"items": [], "metadata": {"pagination": {"total": 0}}}


async def _page(visit: Visit) -> Response:
    return visit.page("overview.html", **await _read(visit))


async def _live(visit: Visit) -> Response:
    return visit.page("_overview.html", **await _read(visit))


async def _read(visit: Visit) -> dict[str, Any]:
    running, cancelling, waiting, failed, residual, agents, schedules = await asyncio.gather(
        _executions(visit, status=RUNNING, _sort="created_at", _size=SHOWN),
        _executions(visit, status=CANCELLING, _sort="created_at", _size=100),
        _executions(visit, status=WAITING, _size=0),
        _executions(visit, status="failed", _sort="-created_at", _size=_FAILED_READ),
        _executions(visit, residual="true", _sort="-created_at", _size=SHOWN),
        _if_allowed(visit, api_agents.list_agents, "/agents", state="unreachable", _size=SHOWN),
        _if_allowed(
            visit,
            api_schedules.list_schedules,
            "/execution-schedules",
            _sort="next_occurrence",
            _size=100,
            _include="id,deployment_id,workflow_id,next_occurrence,status",
        ),
    )
    lately = [row for row in failed["items"] if row["ended_at"] and _is_within(row["ended_at"], visit)]
    due = [row for row in schedules["items"] if row["next_occurrence"] and row["status"] == "waiting"]
    return {
        "numbers": [
            ("Running", _total(running), visit.url("executions", status=RUNNING), "running"),
            ("Being cancelled", _total(cancelling), visit.url("executions", status=CANCELLING), "asked"),
            ("Waiting", _total(waiting), visit.url("executions", status=WAITING), ""),
            ("Failed in a day", _at_least(len(lately)), visit.url("executions", status="failed"), "failed"),
            ("Left running", _total(residual), visit.url("executions", residual=1), "residual"),
        ],
        "running": running["items"],
        "running_more": _total(running) - len(running["items"]),
        "slow": [row for row in cancelling["items"] if takes_long(row, visit.now)],
        "failed": lately[:SHOWN],
        "residual_executions": residual["items"],
        "agents": agents["items"],
        "agents_total": _total(agents),
        "due": due[:SHOWN],
    }


async def _executions(visit: Visit, **asked: Any) -> Any:
    return await visit.rest.get("/executions", _include=FIELDS, _include_system_workflows="true", **asked)


async def _if_allowed(visit: Visit, endpoint: Callable[..., Any], path: str, **asked: Any) -> Any:
    return await visit.rest.get(path, **asked) if visit.may(endpoint) else _EMPTY


def _total(page: Any) -> int:
    total: int = page["metadata"]["pagination"]["total"]
    return total


def _at_least(count: int) -> str:
    return f"{count}+" if count == _FAILED_READ else str(count)


def _is_within(time: str, visit: Visit) -> bool:
    return visit.now - parse_time(time) < LATELY


def takes_long(execution: Mapping[str, Any], now: datetime) -> bool:
    """Return whether an execution was asked to stop so long ago that somebody should look."""
    asked_at = execution["cancel_requested_at"]
    return bool(asked_at) and seconds_between(asked_at, now) > LONG.total_seconds()


ROUTES = [Route("/", visited(_page)), Route("/live", visited(_live))]
