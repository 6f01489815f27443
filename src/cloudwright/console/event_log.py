"""A window of an execution's events and log lines, wherever in them the reader is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudwright.console.visits import Visit

#: Lines read at once; a page holds a few such windows at most.
WINDOW = 300
_FIELDS = "id,timestamp,type,event_type,level,message,node_instance_id,operation,operation_id,error_causes"
_LEVELS = {"warning": ("warning", "error", "critical"), "error": ("error", "critical")}


def filters_of(visit: Visit) -> dict[str, str]:
    """Return the filters of the log in the address: a text, `events` only, a level, an operation."""
    query = visit.request.query_params
    return {
        name: query[name].strip() for name in ("q", "show", "operation_id") if query.get(name, "").strip()
    }


async def read_log(visit: Visit, id: str) -> dict[str, Any]:
    """Read the end of the log, or what is ``after`` or ``before`` an event. Raises RestError."""
    query = visit.request.query_params
    filters = filters_of(visit)
    asked: dict[str, Any] = {"execution_id": id, "_include": _FIELDS, "_size": WINDOW, **_asked(filters)}
    after, before = query.get("after"), query.get("before")
    if after is not None:
        page = await visit.rest.get("/events", **asked, after=after)
        lines = page["items"]
    else:
        page = await visit.rest.get("/events", **asked, before=before, _sort="-timestamp")
        lines = list(reversed(page["items"]))
    more = page["metadata"]["pagination"]["total"] > len(lines)
    own = f"executions/{id}"
    return {
        "lines": lines,
        "log_filters": filters,
        "last_id": lines[-1]["id"] if lines else (after or 0),
        "older": visit.url(own, **filters, before=lines[0]["id"]) + "#log"
        if more and after is None
        else None,
        "older_lines": visit.url(f"{own}/log", **filters, before=lines[0]["id"])
        if more and after is None
        else None,
        "is_at_end": before is None and (after is None or not more),
        "tail": visit.url(f"{own}/log", **filters),
    }


def _asked(filters: Mapping[str, str]) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if "q" in filters:
        asked["message"] = filters["q"]
    if "operation_id" in filters:
        asked["operation_id"] = filters["operation_id"]
    show = filters.get("show")
    if show == "events":
        asked["include_logs"] = "false"
    elif show in _LEVELS:
        asked["level"] = list(_LEVELS[show])
    return asked
