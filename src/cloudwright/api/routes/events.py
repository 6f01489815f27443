"""Events and logs: list, follow, add."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import LARGEST, ContextDep, ListQueryDep, check_fields
from cloudwright.api.event_filters import TIME_COLUMNS, EventFilterDep, EventTypes, event_kinds
from cloudwright.api.responses import json_page_response
from cloudwright.api.routing import resource_router
from cloudwright.api.streaming import EventStreamResponse, Followers, follow
from cloudwright.bus import topics
from cloudwright.manager.manager import Manager
from cloudwright.model import rest
from cloudwright.model.event import EVENT, LOG, Event, reported_type
from cloudwright.model.permissions import Permission
from cloudwright.storage import events
from cloudwright.storage.resources import event, execution

router = resource_router("events", "/events")


@router.get("", response_model=rest.Page[rest.Event])
@requires(Permission.EVENT_LIST)
async def list_events(context: ContextDep, query: ListQueryDep, filter: EventFilterDep) -> Response:
    check_fields(query.fields, rest.Event)
    page = query.sorted_page(**TIME_COLUMNS)
    return json_page_response(
        await context.manager.store.read_page(event.get_page, filter, query.fields, page), query.page
    )


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
@requires(Permission.EVENT_LIST)
async def stream_events(
    request: Request,
    context: ContextDep,
    execution_id: str,
    after: Annotated[int, Query(ge=0, le=LARGEST, description="The ID of the last event received.")] = 0,
    type: EventTypes = None,
    include_logs: bool = True,
) -> StreamingResponse:
    """Follow an execution: server-sent events, until it is over and everything was sent.

    A message `event` carries an event of the list, its id being the event's; a message `status` carries the
    execution, first as it is and then whenever its status has changed.
    """
    kinds = event_kinds(type, include_logs)
    followers: Followers = request.app.state.followers
    followers.check()
    await context.check_seen("executions", execution_id)
    await context.manager.store.read(execution.check, context.tenant, execution_id)
    stream = follow(
        context.manager,
        context.tenant,
        execution_id,
        after,
        include_logs=LOG in kinds,
        may_go_on=context.watch(),
    )
    return EventStreamResponse(stream, followers)


class Text(BaseModel):
    text: str = ""


class Subject(BaseModel):
    node_id: str | None = None
    source_id: str | None = None
    target_id: str | None = None
    operation: str | None = None


class NewEvent(BaseModel):
    message: Text = Text()
    context: Subject = Subject()
    event_type: str | None = None
    level: str | None = None
    logger: str | None = None


class NewEvents(BaseModel):
    """``events`` and ``logs`` of one execution, as plugins report them."""

    execution_id: str
    events: Annotated[list[NewEvent], Field(max_length=10_000)] | None = None
    logs: Annotated[list[NewEvent], Field(max_length=10_000)] | None = None


@router.post("", status_code=204)
@requires(Permission.EVENT_CREATE)
async def add_events(context: ContextDep, new: NewEvents) -> Response:
    """Add events and logs to an execution."""
    manager = context.manager
    await context.check_seen("executions", new.execution_id)
    await manager.store.read(execution.check, context.tenant, new.execution_id)
    made = [_made(new.execution_id, EVENT, given, manager) for given in new.events or ()]
    made += [_made(new.execution_id, LOG, given, manager) for given in new.logs or ()]
    if made:
        await manager.store.write(events.add, made)
        manager.bus.publish(topics.execution(new.execution_id), {"kind": "events"})
    return Response(status_code=204)


def _made(execution_id: str, kind: str, given: NewEvent, manager: Manager) -> Event:
    return Event(
        execution_id=execution_id,
        timestamp=manager.clock(),
        message=manager.secrets.concealments.mask(execution_id, given.message.text),
        kind=kind,
        event_type=reported_type(given.event_type) if kind == EVENT else None,
        level=(given.level or "info").lower() if kind == LOG else None,
        logger=given.logger,
        node_instance_id=given.context.node_id,
        source_id=given.context.source_id,
        target_id=given.context.target_id,
        operation=given.context.operation,
    )
