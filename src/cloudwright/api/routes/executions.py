"""Executions: start, follow, cancel, resume."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import BaseModel, Field

from cloudwright.api import making, reading, shapes
from cloudwright.api.answers import Json, only, told, whole
from cloudwright.api.asking import Asked, Fields, Listed, check_fields, some
from cloudwright.api.bodies import routes_of
from cloudwright.api.listing import EXECUTION, OPERATION
from cloudwright.api.times import scheduled_time, time_or_none
from cloudwright.errors import InvalidInput
from cloudwright.manager.blueprints import UPLOAD_EXECUTION
from cloudwright.manager.executions import StartExecution
from cloudwright.model.execution import CancelMode, ExecutionStatus
from cloudwright.storage import execution_queries, operations
from cloudwright.storage.filters import ExecutionFilter, OperationFilter
from cloudwright.storage.telling import tell_page

router = routes_of("executions", "/executions")

_Names = Annotated[list[str] | None, Query()]
# What a resume does is whether it runs operations again that were started and did not fail.
_RESUMES = {"resume": False, "force-resume": True}


class NewExecution(BaseModel):
    """``queue`` waits behind another execution of the deployment, ``force`` runs beside it."""

    deployment_id: str
    workflow_id: str
    parameters: dict[str, Any] | None = None
    allow_custom_parameters: bool = False
    force: bool = False
    dry_run: bool = False
    queue: bool = False
    scheduled_time: str | None = None
    wait_after_fail: Annotated[int, Field(ge=0, le=2**31 - 1)] = 600
    force_status: str | None = None


class Action(BaseModel):
    """``grace``: seconds after which a ``cancel`` becomes a ``force-cancel`` by itself."""

    action: Literal["cancel", "force-cancel", "kill", "resume", "force-resume"]
    grace: Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)] | None = None


@router.get("", response_model=shapes.Listed[shapes.Execution])
async def list_executions(
    asking: Asked,
    listing: Listed,
    id: _Names = None,
    deployment_id: _Names = None,
    blueprint_id: _Names = None,
    workflow_id: _Names = None,
    status: _Names = None,
    created_by: str | None = None,
    _include_system_workflows: bool = False,
) -> Response:
    check_fields(listing.fields, shapes.Execution)
    filter = ExecutionFilter(
        tenant=listing.tenant(asking),
        ids=some(id),
        deployment_ids=some(deployment_id),
        blueprint_ids=some(blueprint_id),
        workflow_ids=some(workflow_id),
        statuses=_statuses(some(status)),
        created_by=created_by,
        include_system_workflows=_include_system_workflows,
        search=listing.search,
    )
    page = listing.sorted_by(status_display="status")
    found = execution_queries.listing(filter)
    return told(
        await asking.manager.store.read(tell_page, found, EXECUTION, listing.fields, page), listing.page
    )


@router.get("/{id}", response_model=shapes.Execution)
async def get_execution(asking: Asked, id: str, fields: Fields) -> Json:
    check_fields(fields, shapes.Execution)
    return Json(only(await _view(asking, id), fields))


@router.post("", response_model=shapes.Execution, status_code=201)
async def start_execution(asking: Asked, new: NewExecution) -> Json:
    """Run a workflow of a deployment. The answer comes when the execution is stored, not when it is over."""
    if new.force_status is not None:
        raise InvalidInput("An execution's status is what became of it; `force_status` cannot set it.")
    row = await asking.manager.executions.start(
        StartExecution(
            tenant=asking.tenant,
            deployment_id=new.deployment_id,
            workflow_id=new.workflow_id,
            by=asking.by,
            parameters=new.parameters or {},
            dry_run=new.dry_run,
            queue=new.queue,
            force=new.force,
            allow_custom_parameters=new.allow_custom_parameters,
            scheduled_for=time_or_none(new.scheduled_time, scheduled_time),
            wait_after_fail=new.wait_after_fail,
        )
    )
    return Json(await _view(asking, row.id), status_code=201)


@router.post("/{id}", response_model=shapes.Execution)
async def act_on_execution(asking: Asked, id: str, given: Action) -> Json:
    """Cancel (``cancel``, ``force-cancel``, ``kill``) or resume (``resume``, ``force-resume``) an execution.

    The answer comes when the request is stored. A request can be raised, and neither lowered nor repeated.
    """
    service = asking.manager.executions
    if given.action in _RESUMES:
        await service.resume(asking.tenant, id, by=asking.by, reset_operations=_RESUMES[given.action])
    else:
        mode = CancelMode(given.action)
        await service.cancel(asking.tenant, id, mode, by=asking.by, grace=given.grace)
    return Json(await _view(asking, id))


@router.get("/{id}/operations", response_model=shapes.Listed[shapes.Operation])
async def list_operations(
    asking: Asked,
    listing: Listed,
    id: str,
    residual: Annotated[
        bool, Query(description="Only what still runs although the execution is over.")
    ] = False,
) -> Response:
    check_fields(listing.fields, shapes.Operation)
    if residual:
        left = await asking.manager.store.read(reading.list_residual, asking.tenant, id)
        return whole([only(making.operation(row, over=True), listing.fields) for row in left])
    await asking.manager.store.read(reading.get_execution, asking.tenant, id)
    found = operations.listing(OperationFilter(tenant=asking.tenant, execution_id=id))
    return told(
        await asking.manager.store.read(tell_page, found, OPERATION, listing.fields, listing.page),
        listing.page,
    )


async def _view(asking: Asked, id: str) -> shapes.Execution:
    if id.startswith(f"{UPLOAD_EXECUTION}:"):
        return making.upload(await asking.manager.store.read(reading.get_upload, asking.tenant, id))
    view = await asking.manager.store.read(reading.get_execution, asking.tenant, id)
    return making.execution(view.execution, view.owner, view.residual)


def _statuses(names: list[str] | None) -> list[ExecutionStatus] | None:
    if names is None:
        return None
    unknown = [name for name in names if name not in tuple(ExecutionStatus)]
    if unknown:
        raise InvalidInput(f"`{unknown[0][:200]}` is no status; there are: {', '.join(ExecutionStatus)}.")
    return [ExecutionStatus(name) for name in names]
