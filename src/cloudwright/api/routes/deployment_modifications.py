"""Modifications of deployments: started, finished, rolled back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, FieldsDep, ListQueryDep, check_fields, split_values
from cloudwright.api.responses import JsonResponse, list_page, optional_timestamp, pick_fields
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.model import rest
from cloudwright.model.modification import Modification, ModificationStatus
from cloudwright.model.permissions import Permission
from cloudwright.storage import modifications

router = resource_router("deployment modifications", "/deployment-modifications")

_Names = Annotated[list[str] | None, Query()]


class NewModification(BaseModel):
    """``nodes``: ``{instances, removed_ids_include_hint, removed_ids_exclude_hint}`` by node or group."""

    deployment_id: str
    nodes: dict[str, dict[str, Any]]
    context: dict[str, Any] | None = None


@router.get("", response_model=rest.Page[rest.DeploymentModification])
@requires(Permission.DEPLOYMENT_MODIFICATION_LIST)
async def list_modifications(
    context: ContextDep, query: ListQueryDep, deployment_id: _Names = None, status: _Names = None
) -> JsonResponse:
    check_fields(query.fields, rest.DeploymentModification)
    statuses = split_values(status)
    unknown = [name for name in statuses or () if name not in tuple(ModificationStatus)]
    if unknown:
        raise InvalidInput(
            f"`{unknown[0][:200]}` is not a status; they are: {', '.join(ModificationStatus)}."
        )
    rows, total = await context.manager.store.read_page(
        modifications.list_modifications,
        query.tenant(context),
        query.page,
        deployment_ids=split_values(deployment_id),
        statuses=statuses,
    )
    return list_page([_record(row) for row in rows], total, query.page, query.fields)


@router.get("/{id}", response_model=rest.DeploymentModification)
@requires(Permission.DEPLOYMENT_MODIFICATION_GET)
async def get_modification(context: ContextDep, id: str, fields: FieldsDep) -> JsonResponse:
    check_fields(fields, rest.DeploymentModification)
    row = await context.manager.store.read(modifications.get, context.tenant, id)
    return JsonResponse(pick_fields(_record(row), fields))


@router.post("", response_model=rest.DeploymentModification, status_code=201)
@requires(Permission.DEPLOYMENT_MODIFY)
async def start_modification(context: ContextDep, new: NewModification) -> JsonResponse:
    """Add node instances, and say which are to be removed.

    It belongs to the execution that asks for it, and ends with it. One that no execution asks for is going
    on until it is finished or rolled back.
    """
    await context.check_seen("deployments", new.deployment_id)
    row, _ = await context.manager.modifications.start(
        context.tenant,
        new.deployment_id,
        new.nodes,
        by=context.by,
        context=new.context,
        execution_id=None if context.caller is None else context.caller.execution_id,
    )
    return JsonResponse(_record(row), 201)


@router.post("/{id}/finish", response_model=rest.DeploymentModification)
@requires(Permission.DEPLOYMENT_MODIFICATION_FINISH)
async def finish_modification(context: ContextDep, id: str) -> JsonResponse:
    """End a modification: what was to be removed is no part of the deployment any more."""
    return JsonResponse(_record(await context.manager.modifications.finish(context.tenant, id)))


@router.post("/{id}/rollback", response_model=rest.DeploymentModification)
@requires(Permission.DEPLOYMENT_MODIFICATION_ROLLBACK)
async def rollback_modification(context: ContextDep, id: str) -> JsonResponse:
    """Take a modification back: what it added, and is not live, is no part of the deployment any more."""
    return JsonResponse(_record(await context.manager.modifications.rollback(context.tenant, id)))


def _record(row: Modification) -> rest.DeploymentModification:
    before = {one["id"]: one for one in row.before}
    added = [{**one, "modification": "added"} for one in row.added]
    changed = {id: {**before[id], "relationships": entries} for id, entries in row.related.items()}
    related = [*changed.values(), *(before[id] for id in row.targets if id not in changed)]
    removed = [{**before[id], "modification": "removed"} for id in row.removed]
    left = [one for one in related if one["id"] not in set(row.removed)]
    return {
        "id": row.id,
        "deployment_id": row.deployment_id,
        "status": str(row.status),
        "modified_nodes": row.modified_nodes,
        "node_instances": {
            "added_and_related": [*added, *left] if added else [],
            "removed_and_related": [*removed, *left] if removed else [],
            "before_modification": row.before,
            "before_rollback": [],
        },
        "context": row.context,
        "reason": row.reason,
        "execution_id": row.execution_id,
        "created_at": optional_timestamp(row.created_at),
        "ended_at": optional_timestamp(row.ended_at),
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": "tenant",
    }
