"""Cancel, force or kill many executions: counted and confirmed first, told for each afterwards."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.routing import Route

from cloudwright.console import many_executions
from cloudwright.console.formatting import parse_time
from cloudwright.console.rest import RestError
from cloudwright.console.routes.executions import api_filters, parse_filters
from cloudwright.console.visits import Visit, visited
from cloudwright.model.execution import CancelMode

#: How long what was counted may be confirmed.
VALID = timedelta(minutes=10)
_PAGE = 1000
_SHOWN = 200


async def _confirm(visit: Visit) -> Response:
    """Show what a request would do to exactly these executions; nothing is done yet."""
    matching = visit.form.get("matching")
    mode = _mode(matching or visit.form.get("action"))
    filters = None
    if matching:
        filters = parse_filters(QueryParams(str(visit.form.get("filters", ""))))
        if not filters:
            raise RestError(400, {"message": "There is no filter, and nothing is done to all executions."})
        ids = await _matching(visit, filters)
    else:
        ids = list(dict.fromkeys(str(id) for id in visit.form.getlist("id")))
    if not ids:
        raise RestError(400, {"message": "No execution is selected, so there is nothing to do."})
    rows = await many_executions.read_chosen(visit, ids)
    effects = many_executions.effects(rows, mode)
    return visit.page(
        "many.html",
        mode=mode,
        label=many_executions.LABELS[mode],
        rows=rows[:_SHOWN],
        total=len(rows),
        ids=" ".join(row["id"] for row in rows),
        effects=effects,
        can_do=sum(effect.count for effect in effects if effect.does_something),
        running=await many_executions.count_running(visit, rows),
        filters=filters,
    )


async def _request(visit: Visit) -> Response:
    mode = _mode(visit.form.get("action"))
    ids = list(dict.fromkeys(str(visit.form.get("ids", "")).split()))
    counted = _counted(visit)
    if not ids or len(ids) > many_executions.MOST or counted is None:
        raise RestError(400, {"message": "This is not the form that was confirmed. Nothing was done."})
    if visit.now - counted > VALID:
        message = f"This was counted at {counted:%H:%M} UTC, too long ago. Nothing was done: choose again."
        raise RestError(409, {"message": message})
    outcomes = await many_executions.request(visit, ids, mode)
    return visit.page(
        "many_done.html",
        label=many_executions.LABELS[mode],
        counts=Counter(outcome.kind for outcome in outcomes),
        outcomes=outcomes[:_SHOWN],
        total=len(outcomes),
    )


def _mode(given: object) -> CancelMode:
    try:
        return CancelMode(str(given))
    except ValueError as error:
        raise RestError(400, {"message": "Nothing was done: it is not known what to do."}) from error


def _counted(visit: Visit) -> Any:
    try:
        return parse_time(str(visit.form.get("counted", "")))
    except ValueError:
        return None


async def _matching(visit: Visit, filters: dict[str, Any]) -> list[str]:
    """Read the ids of all executions that match now. Raises RestError if there are too many."""
    ids: list[str] = []
    while True:
        page = await visit.rest.get(
            "/executions",
            **api_filters(filters),
            older_than=ids[-1] if ids else None,
            _sort="-created_at,-id",
            _size=_PAGE,
            _include="id",
        )
        total = page["metadata"]["pagination"]["total"]
        if len(ids) + total > many_executions.MOST:
            message = f"{total:,} executions match, and {many_executions.MOST:,} can be chosen at once."
            raise RestError(400, {"message": message})
        ids += [row["id"] for row in page["items"]]
        if len(page["items"]) < _PAGE:
            return ids


ROUTES = [
    Route("/executions/many", visited(_confirm), methods=["POST"]),
    Route("/executions/many/act", visited(_request), methods=["POST"]),
]
