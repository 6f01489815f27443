"""Schedules of executions: create, list, change, delete."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import (
    ContextDep,
    FieldsDep,
    ListQueryDep,
    RequestContext,
    check_fields,
    split_values,
)
from cloudwright.api.responses import JsonResponse, list_page, optional_timestamp, pick_fields, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.api.timestamps import parse_scheduled_time
from cloudwright.errors import InvalidInput
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.model.recurrence import zone_of
from cloudwright.model.schedule import DEFAULT_SLIP, Schedule, Skip
from cloudwright.storage import schedules
from cloudwright.storage.schedules import ListedSchedule

router = resource_router("execution-schedules", "/execution-schedules")

#: How many of a schedule's next runs are shown.
SHOWN_OCCURRENCES = 100

_Deployment = Annotated[str, Query(description="The deployment of the schedule.")]
_Names = Annotated[list[str] | None, Query()]
_Slip = Annotated[int, Field(ge=0, le=10**6)]
_Count = Annotated[int, Field(ge=1, le=10**6)]


class _Timing(BaseModel):
    since: str | None = None
    until: str | None = None
    timezone: str | None = None
    recurrence: str | None = None
    count: _Count | None = None
    weekdays: list[str] | None = None
    rrule: str | None = None
    workflow_id: str | None = None


class NewSchedule(_Timing):
    """``slip``: how many minutes late a run may be. Times without an offset are in ``timezone``, or UTC."""

    parameters: dict[str, Any] | None = None
    execution_arguments: dict[str, Any] | None = None
    slip: _Slip | None = None
    stop_on_fail: bool = False
    enabled: bool = True


class ScheduleChanges(_Timing):
    """What is not given stays as it is."""

    slip: _Slip | None = None
    stop_on_fail: bool | None = None
    enabled: bool | None = None


@router.get("", response_model=rest.Page[rest.ExecutionSchedule])
@requires(Permission.EXECUTION_SCHEDULE_LIST)
async def list_schedules(
    context: ContextDep,
    query: ListQueryDep,
    id: _Names = None,
    deployment_id: _Names = None,
    workflow_id: _Names = None,
) -> JsonResponse:
    check_fields(query.fields, rest.ExecutionSchedule)
    rows, total = await context.manager.store.read_page(
        schedules.list_schedules,
        query.tenant(context),
        query.page,
        ids=split_values(id),
        deployment_ids=split_values(deployment_id),
        workflow_ids=split_values(workflow_id),
        search=query.search,
    )
    records = await asyncio.to_thread(_schedules, rows, query.fields)
    return list_page(records, total, query.page, query.fields)


@router.get("/{id}", response_model=rest.ExecutionSchedule)
@requires(Permission.EXECUTION_SCHEDULE_GET)
async def get_schedule(
    context: ContextDep, id: str, deployment_id: _Deployment, fields: FieldsDep
) -> JsonResponse:
    await context.check_seen("deployments", deployment_id)
    check_fields(fields, rest.ExecutionSchedule)
    return await _respond(
        context, await context.manager.schedules.get(context.tenant, deployment_id, id), fields
    )


@router.put("/{id}", response_model=rest.ExecutionSchedule, status_code=201)
@requires(Permission.EXECUTION_SCHEDULE_CREATE)
async def create_schedule(
    context: ContextDep, id: str, deployment_id: _Deployment, new: NewSchedule
) -> JsonResponse:
    """Have a workflow of a deployment started at given times."""
    await context.check_seen("deployments", deployment_id)
    if not new.workflow_id or not new.since:
        raise InvalidInput("A schedule needs `workflow_id` and `since`.")
    rule = {"recurrence": new.recurrence, "count": new.count, "weekdays": new.weekdays, "rrule": new.rrule}
    made = await context.manager.schedules.create(
        Schedule(
            tenant=context.tenant,
            deployment_id=deployment_id,
            id=id,
            workflow_id=new.workflow_id,
            parameters=new.parameters or {},
            execution_arguments=_given(new.execution_arguments or {}),
            since=_time(new.since, new.timezone),
            until=None if not new.until else _time(new.until, new.timezone),
            timezone=new.timezone or None,
            rule=_rule(rule),
            slip=DEFAULT_SLIP if new.slip is None else new.slip,
            stop_on_fail=new.stop_on_fail,
            enabled=new.enabled,
            next_occurrence=None,
            position=None,
            latest_execution_id=None,
            forgiven_execution_id=None,
            version=0,
            created_by=context.by,
            created_at=context.manager.clock(),
        )
    )
    return await _respond(context, made, None, 201)


@router.patch("/{id}", response_model=rest.ExecutionSchedule, status_code=201)
@requires(Permission.EXECUTION_SCHEDULE_CREATE)
async def change_schedule(
    context: ContextDep, id: str, deployment_id: _Deployment, given: ScheduleChanges
) -> JsonResponse:
    """Change a schedule. A changed rule begins again; one that is enabled continues after a failure."""
    await context.check_seen("deployments", deployment_id)
    changes = _given(given.model_dump())
    zone = given.timezone
    if zone is None and (given.since or given.until):
        zone = (await context.manager.schedules.get(context.tenant, deployment_id, id)).schedule.timezone
    for name in ("since", "until"):
        if name in changes:
            changes[name] = _time(changes[name], zone)
    changes |= _rule({name: changes[name] for name in ("weekdays",) if name in changes})
    changed = await context.manager.schedules.change(context.tenant, deployment_id, id, changes)
    return await _respond(context, changed, None, 201)


@router.delete("/{id}", status_code=204)
@requires(Permission.EXECUTION_SCHEDULE_CREATE)
async def delete_schedule(context: ContextDep, id: str, deployment_id: _Deployment) -> Response:
    """Delete a schedule; what it started continues."""
    await context.check_seen("deployments", deployment_id)
    await context.manager.schedules.delete(context.tenant, deployment_id, id)
    return Response(status_code=204)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _rule(values: dict[str, Any]) -> dict[str, Any]:
    rule = {name: value for name, value in values.items() if value}
    if "weekdays" in rule:
        rule["weekdays"] = [day.strip().lower() for day in rule["weekdays"]]
    return rule


def _time(text: str, timezone: str | None) -> datetime:
    """Return a time to the second; without an offset it is in the time zone. Raises InvalidInput."""
    try:
        naive = datetime.fromisoformat(text.strip())
    except ValueError:
        naive = None
    if naive is not None and naive.tzinfo is None:
        try:
            time = naive.replace(tzinfo=zone_of(timezone or None)).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise InvalidInput(f"`{text[:100]}` is not a time that a schedule can have.") from error
    else:
        time = parse_scheduled_time(text)
    return time.replace(microsecond=0)


async def _respond(
    context: RequestContext,
    listed: ListedSchedule,
    fields: Collection[str] | None,
    status_code: int = 200,
) -> JsonResponse:
    skips = await context.manager.store.read(schedules.list_skips, listed.schedule)
    [record] = await asyncio.to_thread(_schedules, [listed], fields)
    whole: dict[str, Any] = {**record, "skipped": [_skip(skip) for skip in skips]}
    return JsonResponse(pick_fields(whole, fields), status_code)


def _schedules(
    rows: Collection[ListedSchedule], fields: Collection[str] | None
) -> list[rest.ExecutionSchedule]:
    with_occurrences = fields is None or "all_next_occurrences" in fields
    return [_schedule(row, with_occurrences=with_occurrences) for row in rows]


def _schedule(listed: ListedSchedule, *, with_occurrences: bool) -> rest.ExecutionSchedule:
    row, latest = listed.schedule, listed.latest_status
    occurrences: list[str] = []
    if with_occurrences and row.next is not None:
        following = row.whole_rule.after(row.next, inclusive=True)
        occurrences = [_plain(item.due) for item in islice(following, SHOWN_OCCURRENCES)]
    return {
        "id": row.id,
        "deployment_id": row.deployment_id,
        "workflow_id": row.workflow_id,
        "parameters": row.parameters,
        "execution_arguments": row.execution_arguments,
        "since": timestamp(row.since),
        "until": optional_timestamp(row.until),
        "timezone": row.timezone,
        "rule": row.rule,
        "slip": row.slip,
        "stop_on_fail": row.stop_on_fail,
        "enabled": row.enabled,
        "status": row.status(latest),
        "next_occurrence": optional_timestamp(row.next_occurrence),
        "all_next_occurrences": occurrences,
        "latest_execution_id": row.latest_execution_id,
        "latest_execution_status": latest,
        "created_at": timestamp(row.created_at),
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": listed.visibility,
    }


def _plain(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _skip(skip: Skip) -> rest.SkippedRuns:
    return {
        "first_due": timestamp(skip.first_due),
        "last_due": timestamp(skip.last_due),
        "count": skip.count,
        "reason": skip.reason,
        "recorded_at": timestamp(skip.recorded_at),
    }
