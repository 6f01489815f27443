"""Dependencies between deployments: list, record, replace and delete them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel

from cloudwright.api.authorization import authorize, requires
from cloudwright.api.dependencies import (
    ContextDep,
    ListQueryDep,
    RequestContext,
    Visibility,
    check_fields,
    split_values,
)
from cloudwright.api.responses import JsonResponse, list_page, single_page, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.api.timestamps import optional_time, parse_time
from cloudwright.errors import InvalidInput
from cloudwright.manager.dependencies import record_all, replace_functions
from cloudwright.manager.manager import random_id
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage import dependencies
from cloudwright.storage.dependencies import Dependency

router = resource_router("inter-deployment-dependencies", "/deployments")

_PATH = "/inter-deployment-dependencies"
_Names = Annotated[list[str] | None, Query()]


class Described(BaseModel):
    """What a client says of a dependency; the source may be named beside a list of them."""

    dependency_creator: str
    source_deployment: str | None = None
    target_deployment: str | None = None
    target_deployment_func: Any = None
    external_source: Any = None
    external_target: Any = None
    id: str | None = None
    visibility: Visibility = "tenant"
    created_at: str | None = None
    created_by: str | None = None


class ManyDescribed(BaseModel):
    source_deployment_id: str
    inter_deployment_dependencies: list[Described]


class AllDescribed(BaseModel):
    inter_deployment_dependencies: list[Described]


class Removal(BaseModel):
    """``is_component_deletion`` is accepted: a dependency can always be deleted after its target."""

    dependency_creator: str
    source_deployment: str | None = None
    target_deployment: str | None = None
    external_source: Any = None
    external_target: Any = None
    is_component_deletion: bool = False


@router.get(_PATH, response_model=rest.Page[rest.InterDeploymentDependency])
@requires(Permission.INTER_DEPLOYMENT_DEPENDENCY_LIST)
async def list_dependencies(
    context: ContextDep,
    query: ListQueryDep,
    id: _Names = None,
    dependency_creator: _Names = None,
    source_deployment_id: _Names = None,
    target_deployment_id: _Names = None,
) -> JsonResponse:
    check_fields(query.fields, rest.InterDeploymentDependency)
    rows, total = await context.manager.store.read_page(
        dependencies.list_dependencies,
        query.tenant(context),
        query.page,
        ids=split_values(id),
        creators=dependency_creator,
        sources=split_values(source_deployment_id),
        targets=split_values(target_deployment_id),
    )
    return list_page((_record(row) for row in rows), total, query.page, query.fields)


@router.put(_PATH, response_model=rest.InterDeploymentDependency)
@requires(Permission.INTER_DEPLOYMENT_DEPENDENCY_CREATE)
async def create_dependency(context: ContextDep, new: Described) -> JsonResponse:
    """Record that a deployment uses another one; one that is recorded already is returned as it is."""
    made = await _made(context, new, new.source_deployment)
    [stored] = await context.manager.store.write(record_all, [made])
    return JsonResponse(_record(stored))


@router.post(_PATH, response_model=rest.Page[rest.InterDeploymentDependency])
@requires(Permission.INTER_DEPLOYMENT_DEPENDENCY_CREATE)
async def create_dependencies(context: ContextDep, new: ManyDescribed) -> JsonResponse:
    """Record what a deployment uses: all of it, or nothing."""
    made = [await _made(context, one, new.source_deployment_id) for one in new.inter_deployment_dependencies]
    return single_page([_record(row) for row in await context.manager.store.write(record_all, made)])


@router.put("/{id}/inter-deployment-dependencies", response_model=rest.Page[rest.InterDeploymentDependency])
@requires(Permission.INTER_DEPLOYMENT_DEPENDENCY_UPDATE)
async def replace_dependencies(context: ContextDep, id: str, new: AllDescribed) -> JsonResponse:
    """Record what the functions of a deployment use, in place of what is recorded of them."""
    made = [await _made(context, one, id) for one in new.inter_deployment_dependencies]
    stored = await context.manager.store.write(replace_functions, context.tenant, id, made)
    return single_page([_record(row) for row in stored])


@router.delete(_PATH, status_code=204)
@requires(Permission.INTER_DEPLOYMENT_DEPENDENCY_DELETE)
async def delete_dependency(context: ContextDep, removal: Removal) -> Response:
    await context.manager.store.write(
        dependencies.remove,
        context.tenant,
        removal.dependency_creator,
        removal.source_deployment,
        removal.target_deployment,
    )
    return Response(status_code=204)


async def _made(context: RequestContext, new: Described, source: str | None) -> Dependency:
    if source is None and new.external_source is None:
        raise InvalidInput("A dependency needs a `source_deployment` or an `external_source`.")
    context.check_visibility(new.visibility)
    if new.created_by not in (None, context.by):
        authorize(context.principal, Permission.SET_OWNER, context.tenant)
    if new.created_at:
        authorize(context.principal, Permission.SET_TIMESTAMP, context.tenant)
    for id in (source, (new.target_deployment or "").strip()):
        if id:
            await context.check_seen("deployments", id)
    return Dependency(
        tenant=context.tenant,
        id=new.id or random_id(),
        dependency_creator=new.dependency_creator,
        source_deployment_id=None if new.external_source is not None else source,
        # What is on another manager is sent as a blank.
        target_deployment_id=(new.target_deployment or "").strip() or None,
        target_deployment_func=new.target_deployment_func,
        external_source=new.external_source,
        external_target=new.external_target,
        visibility=new.visibility,
        created_by=new.created_by or context.by,
        created_at=optional_time(new.created_at, parse_time) or context.manager.clock(),
    )


def _record(row: Dependency) -> rest.InterDeploymentDependency:
    return {
        "id": row.id,
        "dependency_creator": row.dependency_creator,
        "source_deployment_id": row.source_deployment_id,
        "target_deployment_id": row.target_deployment_id,
        "target_deployment_func": row.target_deployment_func,
        "external_source": row.external_source,
        "external_target": row.external_target,
        "created_at": timestamp(row.created_at),
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": row.visibility,
    }
