"""The events and log of an execution: windows of it, one line whole, and all of it to be kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from cloudwright.console.event_log import read_log
from cloudwright.console.visits import Visit, visited

_BATCH = 1000


async def _window(visit: Visit) -> Response:
    return visit.page("_log_lines.html", **await read_log(visit, visit.request.path_params["id"]))


async def _line(visit: Visit) -> Response:
    """Return one message whole, as text."""
    id, text = visit.request.path_params["id"], visit.request.path_params["number"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    if not number:
        return PlainTextResponse("There is no such line.", 404)
    page = await visit.rest.get("/events", execution_id=id, after=number - 1, _size=1)
    found = [event for event in page["items"] if event["id"] == number]
    if not found:
        return PlainTextResponse("There is no such line.", 404)
    return PlainTextResponse(found[0]["message"])


async def _download(visit: Visit) -> Response:
    """Send everything, as text or as lines of JSON."""
    id = visit.request.path_params["id"]
    as_json = visit.request.query_params.get("as") == "jsonl"
    await visit.rest.get(f"/executions/{id}", _include="id")
    name = f"{id}.{'jsonl' if as_json else 'log'}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(
        _all(visit, id, as_json), media_type="text/plain; charset=utf-8", headers=headers
    )


async def _all(visit: Visit, id: str, as_json: bool) -> AsyncIterator[bytes]:
    after = 0
    while True:
        page = await visit.rest.get("/events", execution_id=id, after=after, _size=_BATCH)
        items = page["items"]
        if not items:
            return
        after = items[-1]["id"]
        yield b"".join(orjson.dumps(item) + b"\n" if as_json else _text(item) for item in items)


def _text(event: dict[str, str]) -> bytes:
    level = event["level"] or event["event_type"] or ""
    about = f" [{event['node_instance_id']}]" if event["node_instance_id"] else ""
    return f"{event['timestamp']} {level.upper()}{about} {event['message']}\n".encode()


ROUTES = [
    Route("/executions/{id}/log", visited(_window)),
    Route("/executions/{id}/log/{number}", visited(_line)),
    Route("/executions/{id}/download", visited(_download)),
]
