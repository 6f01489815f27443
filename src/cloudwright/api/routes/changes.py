"""What changes in a tenant, as it happens."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import StreamingResponse

from cloudwright.api.authorization import requires
from cloudwright.api.change_feed import ChangeFeed
from cloudwright.api.dependencies import ContextDep
from cloudwright.api.routing import resource_router
from cloudwright.api.streaming import EventStreamResponse, Followers
from cloudwright.model.permissions import Permission

router = resource_router("changes", "/changes")


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
@requires(Permission.EVENT_LIST)
async def stream_changes(request: Request, context: ContextDep) -> StreamingResponse:
    """Follow the tenant: a server-sent event says what to read again.

    A message `changed` carries `kind` (`execution`, `deployment` or `blueprint`), `id`, a list `what` changed
    and, for an execution, its `deployment_id`. `ready` comes first, `beat` when nothing else came for 10
    seconds, `lost` if changes were missed, `end` when the manager stops, `signed_out` once the user may not
    follow any more or their token is gone.
    """
    followers: Followers = request.app.state.followers
    followers.check()
    feed: ChangeFeed = request.app.state.change_feed
    stream = feed.follow(context.tenant, check=context.watch(), scope=context.scope)
    return EventStreamResponse(stream, followers)
