"""The stream by which pages learn that something changed."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cloudwright.api.change_feed import ChangeFeed
from cloudwright.api.routes.changes import stream_changes
from cloudwright.api.streaming import EventStreamResponse, Followers
from cloudwright.console.security import csrf_token
from cloudwright.console.visits import Visit, visited
from cloudwright.errors import CloudwrightError, Unavailable


async def _stream(visit: Visit) -> Response:
    if not visit.may(stream_changes):
        return PlainTextResponse("You may not follow this tenant.", 403)
    state = visit.request.app.state.api.state
    followers: Followers = state.followers
    feed: ChangeFeed = state.change_feed
    followers.check()
    stream = feed.follow(
        visit.tenant, check=lambda _: _is_signed_in(visit), scope=visit.principal.scope(visit.tenant)
    )
    response = EventStreamResponse(stream, followers)
    response.headers["cache-control"] = "no-store, no-transform"
    return response


async def _is_signed_in(visit: Visit) -> bool:
    try:
        principal = await visit.manager.sessions.authenticate(visit.session)
    except Unavailable:
        # The database is out, which says nothing about the session.
        return True
    except CloudwrightError:
        return False
    return principal == visit.principal


async def _beat(visit: Visit) -> Response:
    """Say that the manager is there, to a page that gets no events, and which token its forms need."""
    return PlainTextResponse("here", headers={"x-console-form": csrf_token(visit.session)})


ROUTES = [Route("/changes", visited(_stream)), Route("/beat", visited(_beat))]
