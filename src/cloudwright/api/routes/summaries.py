"""Summaries: how many resources there are for each value of a field."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query

from cloudwright.api.authorization import authorize, requires
from cloudwright.api.dependencies import ContextDep, ListQueryDep, split_values
from cloudwright.api.responses import JsonResponse, list_page
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage import summaries
from cloudwright.storage.summaries import Group

router = resource_router("summary", "/summary")

_Names = Annotated[list[str] | None, Query()]
_Summed = Literal["blueprints", "deployments", "executions", "nodes", "node_instances", "execution_schedules"]
_PERMISSIONS = {
    "blueprints": Permission.BLUEPRINT_LIST,
    "deployments": Permission.DEPLOYMENT_LIST,
    "executions": Permission.EXECUTION_LIST,
    "nodes": Permission.NODE_LIST,
    "node_instances": Permission.NODE_INSTANCE_LIST,
    "execution_schedules": Permission.EXECUTION_SCHEDULE_LIST,
}


@router.get("/{resource}", response_model=rest.Page[dict[str, Any]])
@requires(Permission.DEPLOYMENT_LIST)
async def get_summary(
    context: ContextDep,
    query: ListQueryDep,
    resource: _Summed,
    _target_field: str,
    _sub_field: str | None = None,
    blueprint_id: _Names = None,
    deployment_id: _Names = None,
    workflow_id: _Names = None,
    execution_group_id: _Names = None,
    node_id: _Names = None,
    host_id: _Names = None,
    site_name: _Names = None,
    state: _Names = None,
    status: _Names = None,
    visibility: _Names = None,
) -> JsonResponse:
    """Count the resources that have each value of ``_target_field``, and of ``_sub_field`` within it.

    The other parameters narrow what is counted, by fields that the resource is counted by.
    """
    authorize(context.principal, _PERMISSIONS[resource], context.tenant)
    if query.search is not None or query.fields is not None or query.page.sort:
        raise InvalidInput("A summary has no `_search`, `_include` and `_sort`.")
    given = {
        "blueprint_id": blueprint_id,
        "deployment_id": deployment_id,
        "workflow_id": workflow_id,
        "execution_group_id": execution_group_id,
        "node_id": node_id,
        "host_id": host_id,
        "site_name": site_name,
        "state": state,
        "status": status,
        "visibility": visibility,
    }
    narrowed = {name: found for name, values in given.items() if (found := split_values(values)) is not None}
    groups, total = await context.manager.store.read_page(
        summaries.count,
        resource,
        _target_field,
        _sub_field or None,
        query.tenant(context),
        narrowed,
        query.page,
    )
    return list_page(
        [_item(resource, _target_field, _sub_field, group) for group in groups], total, query.page
    )


def _item(resource: str, target: str, part: str | None, group: Group) -> dict[str, Any]:
    item = {target: group.value, resource: group.count}
    if part:
        item[f"by {part}"] = [{part: value, resource: number} for value, number in group.parts]
    return item
