"""Executions and events, deleted by age and by number."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep
from cloudwright.api.event_filters import EventFilterDep, ExecutionFilterDep
from cloudwright.api.responses import JsonResponse
from cloudwright.api.routing import resource_router
from cloudwright.api.timestamps import optional_time, parse_time
from cloudwright.errors import InvalidInput
from cloudwright.manager.retention import delete_events, delete_executions
from cloudwright.model import rest
from cloudwright.model.execution import END_STATUSES
from cloudwright.model.permissions import Permission

router = resource_router("executions")


class OldExecutions(BaseModel):
    """Those created until ``to_datetime``, or all but the newest ``keep_last``; else all that are over."""

    to_datetime: str | None = None
    keep_last: Annotated[int | None, Field(ge=1)] = None


@router.delete("/executions", response_model=rest.Page[rest.Count])
@requires(Permission.EXECUTION_DELETE)
async def delete_old_executions(
    context: ContextDep, filter: ExecutionFilterDep, old: OldExecutions | None = None
) -> JsonResponse:
    """Delete executions that are over, with their events and operations.

    Those stay of which an operation still runs, that created a deployment that exists, and of updates and
    modifications.
    """
    old = old or OldExecutions()
    if old.keep_last is not None and old.to_datetime:
        raise InvalidInput("Give `to_datetime` or `keep_last`, not both.")
    for status in filter.statuses or ():
        if status not in END_STATUSES:
            raise InvalidInput(
                f"Executions that are `{status}` cannot be deleted; the status can be: "
                f"{', '.join(sorted(END_STATUSES))}."
            )
    until = optional_time(old.to_datetime, parse_time)
    wanted = replace(filter, created_to=until, include_system_workflows=True)
    count = await delete_executions(context.manager.store, wanted, old.keep_last or 0)
    return JsonResponse({"items": [{"count": count}], "metadata": _METADATA})


@router.delete("/events", response_model=rest.Page[int], tags=["events"])
@requires(Permission.EVENT_DELETE)
async def delete_deployments_events(
    context: ContextDep,
    filter: EventFilterDep,
    store_before: Annotated[bool, Query(description="Refused: list the events before.")] = False,
) -> JsonResponse:
    """Delete events of the executions of ``deployment_id``; the response is how many."""
    if store_before:
        raise InvalidInput(
            "This manager writes no files of deleted events. Read them first: `GET /events`, or `cfy events "
            "delete --store-before --output-path FILE`."
        )
    if not filter.deployment_ids:
        raise InvalidInput("Give `deployment_id`: the deployment whose events to delete.")
    count = await delete_events(context.manager.store, filter)
    return JsonResponse({"items": [count], "metadata": _METADATA})


_METADATA = {"pagination": {"total": 1, "size": 1, "offset": 0}, "filtered": None}
