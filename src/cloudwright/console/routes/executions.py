"""The list of executions: filters in the address, a hundred at a time, kept up to date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import ImmutableMultiDict
from starlette.responses import Response
from starlette.routing import Route

from cloudwright.api.routes import executions as api
from cloudwright.console import many_executions
from cloudwright.console.visits import Visit, visited
from cloudwright.model.execution import ExecutionStatus

PAGE = 100
FIELDS = (
    "id,workflow_id,deployment_id,blueprint_id,status,error,created_at,started_at,ended_at,scheduled_for,"
    "total_operations,finished_operations,residual_operations,cancel_mode,cancel_requested_by,"
    "cancel_requested_at,created_by,is_dry_run,is_system_workflow"
)
#: The filters of the page, under the names that the REST API has for them.
_SINGLE = ("workflow_id", "deployment_id", "blueprint_id", "created_by", "_search")
RUNNING = ("started", "cancelling", "force_cancelling", "kill_cancelling")
CANCELLING = RUNNING[1:]
WAITING = ("pending", "queued", "scheduled")
#: What many look for, as filters of the list.
_CHOICES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("All", ()),
    ("Running", RUNNING),
    ("Being cancelled", CANCELLING),
    ("Waiting", WAITING),
    ("Failed", ("failed",)),
    ("Cancelled", ("cancelled",)),
    ("Completed", ("terminated",)),
)


def filters_of(visit: Visit) -> dict[str, Any]:
    """Return the filters in the address."""
    return parse_filters(visit.request.query_params)


def parse_filters(query: ImmutableMultiDict[str, Any]) -> dict[str, Any]:
    """Return the filters among these fields; empty ones are none."""
    found: dict[str, Any] = {name: query[name].strip() for name in _SINGLE if query.get(name, "").strip()}
    statuses = [status for status in query.getlist("status") if status]
    if statuses:
        found["status"] = statuses
    for flag in ("residual", "system"):
        if query.get(flag):
            found[flag] = "1"
    return found


def api_filters(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same for the REST API."""
    given = {name: value for name, value in filters.items() if name not in ("system", "residual")}
    if filters.get("residual"):
        given["residual"] = "true"
    return given | {"_include_system_workflows": "true" if filters.get("system") else "false"}


async def _list(visit: Visit) -> Response:
    filters = filters_of(visit)
    return visit.page(
        "executions.html",
        filters=filters,
        statuses=list(ExecutionStatus),
        choices=[
            (
                name,
                set(statuses) == set(filters.get("status", ())),
                visit.url("executions", **_with(filters, statuses)),
            )
            for name, statuses in _CHOICES
        ],
        **await _rows(visit, filters),
    )


async def _fragment(visit: Visit) -> Response:
    return visit.page("_executions.html", **await _rows(visit, filters_of(visit)))


async def _rows(visit: Visit, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Read a page of rows. ``top`` is the row above which new ones wait until the reader wants them."""
    query = visit.request.query_params
    older_than, top = query.get("older_than"), query.get("top")
    asked = api_filters(filters)
    waiting = 0
    if top and not older_than:
        new = await visit.rest.get("/executions", **asked, newer_than=top, _size=0)
        waiting = new["metadata"]["pagination"]["total"]
    page = await visit.rest.get(
        "/executions",
        **asked,
        older_than=older_than,
        _sort="-created_at,-id",
        _size=PAGE,
        _offset=waiting,
        _include=FIELDS,
    )
    rows, total = page["items"], page["metadata"]["pagination"]["total"]
    shown = dict(filters)
    return {
        "executions": rows,
        "total": total,
        "waiting": waiting,
        "older_than": older_than,
        "newest": visit.url("executions", **shown),
        "older": visit.url("executions", **shown, older_than=rows[-1]["id"])
        if rows and total > waiting + len(rows)
        else None,
        "fragment": visit.url("executions/rows", **shown, older_than=older_than),
        "may_act": visit.may(api.act_on_execution),
        "labels": many_executions.LABELS,
        "filter_query": urlencode(shown, doseq=True),
    }


def _with(filters: Mapping[str, Any], statuses: tuple[str, ...]) -> dict[str, Any]:
    return {**{name: value for name, value in filters.items() if name != "status"}, "status": list(statuses)}


ROUTES = [
    Route("/executions", visited(_list)),
    Route("/executions/rows", visited(_fragment)),
]
