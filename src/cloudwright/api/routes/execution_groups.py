"""Groups of executions: start, follow, cancel, resume, change."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, FieldsDep, ListQueryDep, check_fields, split_values
from cloudwright.api.responses import JsonResponse, list_page, optional_timestamp, pick_fields, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.manager.execution_groups import StartGroup
from cloudwright.model import rest
from cloudwright.model.execution import CancelMode
from cloudwright.model.permissions import Permission
from cloudwright.storage import execution_groups
from cloudwright.storage.execution_groups import GroupView

router = resource_router("execution-groups", "/execution-groups")

# What a resume does is whether it runs operations again that were started and did not fail.
_RESUMES = {"resume": False, "force-resume": True}


class NewGroup(BaseModel):
    """``parameters`` are those of single deployments by their id, over ``default_parameters``; ``force`` runs
    beside other executions; ``concurrency`` run at a time.
    """

    deployment_group_id: str
    workflow_id: str
    default_parameters: dict[str, Any] | None = None
    parameters: dict[str, dict[str, Any]] | None = None
    force: bool = False
    concurrency: int = 5
    associated_executions: list[Any] | None = None


class Action(BaseModel):
    action: Literal["cancel", "force-cancel", "kill", "resume", "force-resume"]


class GroupChanges(BaseModel):
    """What is not given stays as it is."""

    concurrency: int | None = None
    success_group_id: str | None = None
    failure_group_id: str | None = None


@router.get("", response_model=rest.Page[rest.ExecutionGroup])
@requires(Permission.EXECUTION_GROUP_LIST)
async def list_execution_groups(
    context: ContextDep, query: ListQueryDep, id: Annotated[list[str] | None, Query()] = None
) -> JsonResponse:
    check_fields(query.fields, rest.ExecutionGroup)
    rows, total = await context.manager.store.read_page(
        execution_groups.list_views, query.tenant(context), split_values(id), query.search, query.page
    )
    return list_page((_group(row) for row in rows), total, query.page, query.fields)


@router.get("/{id}", response_model=rest.ExecutionGroup)
@requires(Permission.EXECUTION_GROUP_GET)
async def get_execution_group(context: ContextDep, id: str, fields: FieldsDep) -> JsonResponse:
    check_fields(fields, rest.ExecutionGroup)
    return JsonResponse(
        pick_fields(_group(await context.manager.execution_groups.get(context.tenant, id)), fields)
    )


# Cloudify's client takes nothing else for a success.
@router.post("", response_model=rest.ExecutionGroup, status_code=200)
@requires(Permission.EXECUTION_GROUP_CREATE)
async def start_execution_group(context: ContextDep, new: NewGroup) -> JsonResponse:
    """Run a workflow on every deployment of a group. Returns when the executions are stored."""
    if new.associated_executions is not None:
        raise InvalidInput("`associated_executions` is not supported: a group is made of what it starts.")
    await context.check_seen("deployment-groups", new.deployment_group_id)
    _, members = await context.manager.deployment_groups.get(context.tenant, new.deployment_group_id)
    for member in members:
        await context.check_seen("deployments", member)
    view = await context.manager.execution_groups.start(
        StartGroup(
            tenant=context.tenant,
            deployment_group_id=new.deployment_group_id,
            workflow_id=new.workflow_id,
            by=context.by,
            default_parameters=new.default_parameters or {},
            parameters=new.parameters or {},
            force=new.force,
            concurrency=new.concurrency,
            caller=context.caller,
        )
    )
    return JsonResponse(_group(view))


@router.post("/{id}", response_model=rest.ExecutionGroup)
@requires(Permission.EXECUTION_GROUP_CANCEL)
async def act_on_execution_group(context: ContextDep, id: str, given: Action) -> JsonResponse:
    """Cancel (``cancel``, ``force-cancel``, ``kill``) or resume (``resume``, ``force-resume``) a group.

    Returns when the request is stored: from then on none of it starts that waited.
    """
    groups = context.manager.execution_groups
    if given.action in _RESUMES:
        context.manager.maintenance.check()
        view = await groups.resume(
            context.tenant,
            id,
            by=context.by,
            reset_operations=_RESUMES[given.action],
            caller=context.caller,
        )
    else:
        view = await groups.cancel(context.tenant, id, CancelMode(given.action), by=context.by)
    return JsonResponse(_group(view))


@router.patch("/{id}", response_model=rest.ExecutionGroup)
@requires(Permission.EXECUTION_GROUP_UPDATE)
async def change_execution_group(context: ContextDep, id: str, given: GroupChanges) -> JsonResponse:
    """Change how many run at a time, and which groups deployments come into when theirs ends."""
    groups = context.manager.execution_groups
    view = await groups.set_targets(
        context.tenant, id, success=given.success_group_id, failure=given.failure_group_id
    )
    if given.concurrency is not None:
        view = await groups.set_concurrency(context.tenant, id, given.concurrency)
    return JsonResponse(_group(view))


def _group(view: GroupView) -> rest.ExecutionGroup:
    row = view.group
    return {
        "id": row.id,
        "deployment_group_id": row.deployment_group_id,
        "workflow_id": row.workflow_id,
        "status": view.status,
        "executions_by_status": {str(status): count for status, count in sorted(view.counts.items())},
        "execution_ids": list(view.execution_ids),
        "concurrency": row.concurrency,
        "success_group_id": row.success_group_id,
        "failure_group_id": row.failure_group_id,
        "cancel_mode": row.cancel_mode,
        "cancel_requested_by": row.cancel_requested_by,
        "cancel_requested_at": optional_timestamp(row.cancel_requested_at),
        "created_at": timestamp(row.created_at),
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": row.visibility,
    }
