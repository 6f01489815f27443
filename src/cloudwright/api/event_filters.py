"""Filters of the lists of executions and events, also of what is deleted of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from cloudwright.api.dependencies import LARGEST, ContextDep, ListQueryDep, split_values
from cloudwright.api.timestamps import optional_time, parse_time
from cloudwright.errors import InvalidInput
from cloudwright.model.event import EVENT, LOG
from cloudwright.model.execution import ExecutionStatus
from cloudwright.storage.filters import EventFilter, ExecutionFilter

_Names = Annotated[list[str] | None, Query()]
EventTypes = Annotated[
    list[str] | None, Query(alias="type", description=f"`{EVENT}` or `{LOG}`; both is the default.")
]
# Clients page through lists that still grow, so new events must come last. Times do not give that order: two
# machines may report in another order than things happened.
TIME_COLUMNS = {"timestamp": "id", "reported_timestamp": "id", "@timestamp": "id"}
_OtherExecution = Annotated[
    str | None,
    Query(description="The ID of another execution: keep those created before (after) it, to page by."),
]
_OtherEvent = Annotated[
    int | None,
    Query(ge=0, le=LARGEST, description="The ID of an event: keep those stored after (before) it."),
]


async def _execution_filter(
    context: ContextDep,
    query: ListQueryDep,
    id: _Names = None,
    deployment_id: _Names = None,
    blueprint_id: _Names = None,
    workflow_id: _Names = None,
    execution_group_id: _Names = None,
    status: _Names = None,
    parent_id: _Names = None,
    parent_operation_id: _Names = None,
    created_by: str | None = None,
    is_system_workflow: bool | None = None,
    is_dry_run: bool | None = None,
    residual: Annotated[
        bool, Query(description="Only those that are over while operations of them still run.")
    ] = False,
    _include_system_workflows: bool = False,
    older_than: _OtherExecution = None,
    newer_than: _OtherExecution = None,
) -> ExecutionFilter:
    return ExecutionFilter(
        tenant=query.tenant(context),
        ids=split_values(id),
        deployment_ids=split_values(deployment_id),
        blueprint_ids=split_values(blueprint_id),
        workflow_ids=split_values(workflow_id),
        group_ids=split_values(execution_group_id),
        statuses=_statuses(split_values(status)),
        parent_ids=split_values(parent_id),
        parent_operation_ids=split_values(parent_operation_id),
        created_by=created_by,
        include_system_workflows=_include_system_workflows or is_system_workflow is not None,
        is_system_workflow=is_system_workflow,
        is_dry_run=is_dry_run,
        residual=residual,
        search=query.search,
        older_than=older_than,
        newer_than=newer_than,
    )


async def _event_filter(
    context: ContextDep,
    query: ListQueryDep,
    type: EventTypes = None,
    execution_id: _Names = None,
    execution_group_id: _Names = None,
    deployment_id: _Names = None,
    blueprint_id: _Names = None,
    node_id: Annotated[list[str] | None, Query(description="Names of nodes.")] = None,
    node_instance_id: _Names = None,
    operation: _Names = None,
    event_type: _Names = None,
    level: _Names = None,
    message: Annotated[str | None, Query(description="A part of the message; `%` may surround it.")] = None,
    message_text: Annotated[str | None, Query(alias="message.text")] = None,
    from_datetime: str | None = None,
    to_datetime: str | None = None,
    _range: Annotated[
        list[str] | None, Query(description="`@timestamp,FROM,TO`; either may be empty.")
    ] = None,
    include_logs: bool = True,
    operation_id: _Names = None,
    after: _OtherEvent = None,
    before: _OtherEvent = None,
) -> EventFilter:
    start, end = _times(_range or [])
    kinds = event_kinds(type, include_logs)
    wanted = message_text or message
    return EventFilter(
        tenant=query.tenant(context),
        execution_ids=split_values(execution_id),
        execution_group_ids=split_values(execution_group_id),
        deployment_ids=split_values(deployment_id),
        blueprint_ids=split_values(blueprint_id),
        node_ids=split_values(node_id),
        node_instance_ids=split_values(node_instance_id),
        operation_ids=split_values(operation_id),
        operations=split_values(operation),
        event_types=split_values(event_type),
        levels=split_values(level),
        message=wanted.strip("%") if wanted else query.search,
        from_time=optional_time(from_datetime or start, parse_time),
        to_time=optional_time(to_datetime or end, parse_time),
        include_events=EVENT in kinds,
        include_logs=LOG in kinds,
        after_id=after,
        before_id=before,
    )


ExecutionFilterDep = Annotated[ExecutionFilter, Depends(_execution_filter)]
EventFilterDep = Annotated[EventFilter, Depends(_event_filter)]


def _statuses(names: list[str] | None) -> list[ExecutionStatus] | None:
    if names is None:
        return None
    unknown = [name for name in names if name not in tuple(ExecutionStatus)]
    if unknown:
        raise InvalidInput(f"`{unknown[0][:200]}` is not a status; they are: {', '.join(ExecutionStatus)}.")
    return [ExecutionStatus(name) for name in names]


def event_kinds(given: list[str] | None, include_logs: bool) -> set[str]:
    """Return the kinds of events that are wanted. Raises InvalidInput."""
    kinds = set(split_values(given) or (EVENT, LOG))
    unknown = kinds - {EVENT, LOG}
    if unknown:
        raise InvalidInput(f"`{unknown.pop()[:200]}` is not a type of events; they are: {EVENT}, {LOG}.")
    return kinds if include_logs else kinds - {LOG}


def _times(ranges: list[str]) -> tuple[str | None, str | None]:
    """From and to of the old form of context for a time."""
    start = end = None
    for given in ranges:
        column, comma, rest = given.partition(",")
        first, second, last = rest.partition(",")
        if column not in TIME_COLUMNS or not comma or not second:
            raise InvalidInput(f"`_range` is `{given[:200]}`; it must be `@timestamp,FROM,TO`.")
        start, end = first or start, last or end
    return start, end
