"""Cancel, force, kill and resume: each says what was stored, or who asked for it before."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from cloudwright.console.rest import RestError
from cloudwright.console.routes.execution import show_live
from cloudwright.console.visits import Visit, visited

_SAID = {
    "cancel": "The request to cancel is stored.",
    "force-cancel": "The request to force is stored.",
    "kill": "The request to kill is stored.",
    "resume": "It is back in the queue.",
}


async def _act(visit: Visit) -> Response:
    id = visit.request.path_params["id"]
    action = str(visit.form.get("action", ""))
    body: dict[str, object] = {"action": action}
    grace = str(visit.form.get("grace", "")).strip()
    notice = _SAID.get(action, "")
    try:
        if grace and action == "cancel":
            body["grace"] = float(grace)
        await visit.rest.post(f"/executions/{id}", body)
    except ValueError:
        notice = f"`{grace[:50]}` is not a number of seconds. Nothing was requested."
    except RestError as error:
        if error.status != 400:
            raise
        # Somebody else was first, or it ended meanwhile: the page shows who, and what the status is.
        notice = error.message
    if visit.is_fragment:
        return await show_live(visit, said=notice)
    return visit.redirect(visit.url(f"executions/{id}"), notice)


ROUTES = [Route("/executions/{id}/act", visited(_act), methods=["POST"])]
