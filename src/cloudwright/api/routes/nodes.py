"""Nodes and node instances."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field

from cloudwright.api import queries, schemas, serializers
from cloudwright.api.dependencies import (
    LARGEST,
    ContextDep,
    FieldsDep,
    ListQueryDep,
    check_fields,
    split_values,
)
from cloudwright.api.listing import NODE_INSTANCE
from cloudwright.api.responses import JsonResponse, json_page_response, list_page, pick_fields
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.storage import instances
from cloudwright.storage.filters import InstanceFilter, NodeFilter
from cloudwright.storage.json_pages import json_page

router = resource_router("nodes")

_Names = Annotated[list[str] | None, Query()]


@router.get("/nodes", response_model=schemas.Page[schemas.Node])
async def list_nodes(
    context: ContextDep,
    query: ListQueryDep,
    deployment_id: _Names = None,
    id: _Names = None,
    _evaluate_functions: bool = False,
) -> JsonResponse:
    """Nodes; with ``_evaluate_functions`` their properties' functions are evaluated as things are now."""
    check_fields(query.fields, schemas.Node)
    filter = NodeFilter(
        tenant=query.tenant(context),
        deployment_ids=split_values(deployment_id),
        ids=split_values(id),
        search=query.search,
    )
    rows, total = await context.manager.store.read(queries.list_nodes, filter, query.page)
    made = [serializers.node(row, owner) for row, owner in rows]
    if _evaluate_functions:
        for row, node in zip(rows, made, strict=True):
            node["properties"] = await context.manager.deployments.evaluate(
                row[0].tenant, row[0].deployment_id, node["properties"]
            )
    return list_page(made, total, query.page, query.fields)


@router.get("/node-instances", response_model=schemas.Page[schemas.NodeInstance])
async def list_node_instances(
    context: ContextDep,
    query: ListQueryDep,
    deployment_id: _Names = None,
    node_id: _Names = None,
    id: _Names = None,
    state: _Names = None,
    host_id: _Names = None,
) -> Response:
    check_fields(query.fields, schemas.NodeInstance)
    filter = InstanceFilter(
        tenant=query.tenant(context),
        deployment_ids=split_values(deployment_id),
        node_ids=split_values(node_id),
        ids=split_values(id),
        states=split_values(state),
        host_ids=split_values(host_id),
        search=query.search,
    )
    found = instances.listing(filter)
    return json_page_response(
        await context.manager.store.read(json_page, found, NODE_INSTANCE, query.fields, query.page),
        query.page,
    )


@router.get("/node-instances/{id}", response_model=schemas.NodeInstance)
async def get_node_instance(
    context: ContextDep, id: str, fields: FieldsDep, _evaluate_functions: bool = False
) -> JsonResponse:
    check_fields(fields, schemas.NodeInstance)
    row, owner = await context.manager.store.read(queries.get_instance, context.tenant, id)
    made = serializers.node_instance(row, owner)
    if _evaluate_functions:
        made["runtime_properties"] = await context.manager.deployments.evaluate(
            context.tenant, row.deployment_id, made["runtime_properties"], instance_id=id
        )
    return JsonResponse(pick_fields(made, fields))


class InstanceChanges(BaseModel):
    """``version`` is the one that was read; where it is older than the current one, nothing is changed."""

    version: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    state: str | None = None
    runtime_properties: dict[str, Any] | None = None
    system_properties: dict[str, Any] | None = None
    relationships: list[Any] | None = None


@router.patch("/node-instances/{id}", response_model=schemas.NodeInstance)
async def update_node_instance(
    context: ContextDep, id: str, changes: InstanceChanges, force: bool = False
) -> JsonResponse:
    """Change the state or the runtime properties; ``force`` does not compare versions."""
    if changes.relationships is not None or changes.system_properties is not None:
        raise InvalidInput("Only `state` and `runtime_properties` of a node instance can be changed.")
    if changes.runtime_properties is not None and changes.version is None and not force:
        raise InvalidInput("Say in `version` which version of the node instance you have read.")
    await context.manager.deployments.update_instance(
        context.tenant,
        id,
        version=None if force else changes.version,
        runtime_properties=changes.runtime_properties,
        state=changes.state,
    )
    row, owner = await context.manager.store.read(queries.get_instance, context.tenant, id)
    return JsonResponse(serializers.node_instance(row, owner))
