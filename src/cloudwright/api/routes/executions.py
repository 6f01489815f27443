"""Executions: start, follow, cancel, resume."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import BaseModel, Field

from cloudwright.api import serializers
from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import (
    ContextDep,
    FieldsDep,
    ListQueryDep,
    RequestContext,
    check_fields,
)
from cloudwright.api.event_filters import ExecutionFilterDep
from cloudwright.api.responses import (
    JsonResponse,
    json_page_response,
    json_response,
    pick_fields,
)
from cloudwright.api.routing import resource_router
from cloudwright.api.timestamps import optional_time, parse_scheduled_time
from cloudwright.errors import InvalidInput, NotFound
from cloudwright.manager import views
from cloudwright.manager.executions import StartExecution
from cloudwright.model import rest
from cloudwright.model.execution import CancelMode
from cloudwright.model.permissions import Permission
from cloudwright.storage.filters import OperationFilter
from cloudwright.storage.paging import Page
from cloudwright.storage.resources import execution, operation

router = resource_router("executions", "/executions")

_Names = Annotated[list[str] | None, Query()]
# What a resume does is whether it runs operations again that were started and did not fail.
_RESUMES = {"resume": False, "force-resume": True}


class NewExecution(BaseModel):
    """``queue`` waits for another execution of the deployment to end, ``force`` runs beside it. ``timeout``:
    seconds that it may run before it is cancelled. ``as_child``: the execution that asks waits for this one.
    """

    deployment_id: str
    workflow_id: str
    parameters: dict[str, Any] | None = None
    allow_custom_parameters: bool = False
    force: bool = False
    dry_run: bool = False
    queue: bool = False
    scheduled_time: str | None = None
    wait_after_fail: Annotated[int, Field(ge=0, le=2**31 - 1)] = 600
    timeout: Annotated[float | None, Field(gt=0, le=10**9)] = None
    force_status: str | None = None
    as_child: bool = False


class Action(BaseModel):
    """``grace``: seconds after which a ``cancel`` becomes a ``force-cancel`` by itself. ``as_child``: the
    execution that resumes this one waits for it.
    """

    action: Literal["cancel", "force-cancel", "kill", "resume", "force-resume", "retry-now"]
    grace: Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)] | None = None
    as_child: bool = False


@router.get("", response_model=rest.Page[rest.Execution])
@requires(Permission.EXECUTION_LIST)
async def list_executions(context: ContextDep, query: ListQueryDep, filter: ExecutionFilterDep) -> Response:
    check_fields(query.fields, rest.Execution)
    page = query.sorted_page(status_display="status")
    return json_page_response(
        await context.manager.store.read_page(execution.get_page, filter, query.fields, page), query.page
    )


@router.get("/{id}", response_model=rest.Execution)
@requires(Permission.EXECUTION_GET)
async def get_execution(context: ContextDep, id: str, fields: FieldsDep) -> Response:
    check_fields(fields, rest.Execution)
    return await _respond(context, id, fields)


@router.post("", response_model=rest.Execution, status_code=201)
@requires(Permission.EXECUTION_START)
async def start_execution(context: ContextDep, new: NewExecution) -> Response:
    """Start a workflow of a deployment. Returns when the execution is stored, not when it has ended."""
    if new.force_status is not None:
        raise InvalidInput("`force_status` is not supported: status is derived from what actually ran.")
    await context.check_seen("deployments", new.deployment_id)
    row = await context.manager.executions.start(
        StartExecution(
            tenant=context.tenant,
            deployment_id=new.deployment_id,
            workflow_id=new.workflow_id,
            by=context.by,
            parameters=new.parameters or {},
            dry_run=new.dry_run,
            queue=new.queue,
            force=new.force,
            allow_custom_parameters=new.allow_custom_parameters,
            scheduled_for=optional_time(new.scheduled_time, parse_scheduled_time),
            caller=context.caller,
            wait_after_fail=new.wait_after_fail,
            timeout=new.timeout,
            as_child=new.as_child,
        )
    )
    return await _respond(context, row.id, status_code=201)


@router.post("/{id}", response_model=rest.Execution)
@requires(Permission.EXECUTION_CANCEL)
async def act_on_execution(context: ContextDep, id: str, given: Action) -> Response:
    """Cancel (``cancel``, ``force-cancel``, ``kill``) or resume (``resume``, ``force-resume``) an execution,
    or try again at once what waits for it (``retry-now``).

    Returns when the request is stored. A request can be raised, but neither lowered nor repeated.
    """
    service = context.manager.executions
    if given.action in _RESUMES:
        context.manager.maintenance.check()
        await service.resume(
            context.tenant,
            id,
            by=context.by,
            reset_operations=_RESUMES[given.action],
            caller=context.caller,
            as_child=given.as_child,
        )
    elif given.action == "retry-now":
        await service.retry_now(context.tenant, id, by=context.by)
    else:
        mode = CancelMode(given.action)
        await service.cancel(context.tenant, id, mode, by=context.by, grace=given.grace)
    return await _respond(context, id)


@router.get("/{id}/operations", response_model=rest.Page[rest.Operation])
@requires(Permission.OPERATIONS)
async def list_operations(
    context: ContextDep,
    query: ListQueryDep,
    id: str,
    residual: Annotated[
        bool, Query(description="Only operations that still run although the execution has ended.")
    ] = False,
) -> Response:
    check_fields(query.fields, rest.Operation)
    store = context.manager.store
    await store.read(execution.check, context.tenant, id)
    filter = OperationFilter(tenant=context.tenant, execution_id=id, residual=residual)
    page = Page(None, 0, (("started_at", False),)) if residual else query.page
    return json_page_response(await store.read_page(operation.get_page, filter, query.fields, page), page)


async def _respond(
    context: RequestContext, id: str, fields: Collection[str] | None = None, status_code: int = 200
) -> Response:
    store = context.manager.store
    try:
        return json_response(await store.read(execution.get_json, context.tenant, id, fields), status_code)
    except NotFound:
        # What the manager does itself is stored when it is over.
        work = context.manager.snapshots.work
        if work is not None and work.execution_id == id:
            return JsonResponse(pick_fields(serializers.snapshot_work(work), fields), status_code)
        row = await store.read(views.get_upload, context.tenant, id)
        return JsonResponse(pick_fields(serializers.upload(row), fields), status_code)
