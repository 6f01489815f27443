"""Nodes and node instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Query, Response
from orjson import loads
from pydantic import BaseModel, Field

from cloudwright.api import serializers
from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import (
    LARGEST,
    ContextDep,
    FieldsDep,
    ListQuery,
    ListQueryDep,
    RequestContext,
    check_fields,
    split_values,
)
from cloudwright.api.list_filters import InstanceFilterDep, NodeFilterDep
from cloudwright.api.responses import JsonResponse, json_page_response, json_response, list_page, pick_fields
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.manager import views
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage.filters import InstanceFilter, NodeFilter
from cloudwright.storage.resources import node_instance

router = resource_router("nodes")

_Names = Annotated[list[str] | None, Query()]


@router.get("/nodes", response_model=rest.Page[rest.Node])
@requires(Permission.NODE_LIST)
async def list_nodes(
    context: ContextDep,
    query: ListQueryDep,
    filter: NodeFilterDep,
    type: _Names = None,
    host_id: _Names = None,
    _evaluate_functions: bool = False,
) -> JsonResponse:
    """List nodes; ``_evaluate_functions`` evaluates the functions in their properties now."""
    types, hosts = split_values(type), split_values(host_id)
    fits = None
    if types is not None or hosts is not None:

        def fits(node: Mapping[str, Any]) -> bool:
            return (types is None or node["type"] in types) and (
                hosts is None or node.get("host_id") in hosts
            )

    return await node_page(context, query, filter, fits, evaluated=_evaluate_functions)


async def node_page(
    context: RequestContext,
    query: ListQuery,
    filter: NodeFilter,
    fits: Callable[[Mapping[str, Any]], bool] | None,
    *,
    evaluated: bool = False,
) -> JsonResponse:
    """Return a page of the nodes that the filter leaves and that fit."""
    check_fields(query.fields, rest.Node)
    rows, total = await context.manager.store.read_page(views.list_nodes, filter, query.page, fits=fits)
    made = [serializers.node(row) for row in rows]
    if evaluated:
        for row, node in zip(rows, made, strict=True):
            node["properties"] = await context.manager.deployments.evaluate(
                context.viewer, row.node.tenant, row.node.deployment_id, node["properties"]
            )
    return list_page(made, total, query.page, query.fields)


@router.get("/node-instances", response_model=rest.Page[rest.NodeInstance])
@requires(Permission.NODE_INSTANCE_LIST)
async def list_node_instances(
    context: ContextDep, query: ListQueryDep, filter: InstanceFilterDep
) -> Response:
    return await instance_page(context, query, filter)


async def instance_page(context: RequestContext, query: ListQuery, filter: InstanceFilter) -> Response:
    """Return a page of the node instances that the filter leaves."""
    check_fields(query.fields, rest.NodeInstance)
    return json_page_response(
        await context.manager.store.read_page(node_instance.get_page, filter, query.fields, query.page),
        query.page,
    )


@router.get("/node-instances/{id}", response_model=rest.NodeInstance)
@requires(Permission.NODE_INSTANCE_GET)
async def get_node_instance(
    context: ContextDep, id: str, fields: FieldsDep, _evaluate_functions: bool = False
) -> Response:
    check_fields(fields, rest.NodeInstance)
    store = context.manager.store
    if not _evaluate_functions:
        return json_response(await store.read(node_instance.get_json, context.tenant, id, fields))
    record = loads(await store.read(node_instance.get_json, context.tenant, id))
    record["runtime_properties"] = await context.manager.deployments.evaluate(
        context.viewer, context.tenant, record["deployment_id"], record["runtime_properties"], self_id=id
    )
    return JsonResponse(pick_fields(record, fields))


class InstanceChanges(BaseModel):
    """``version`` is the version that was read; if it is outdated, nothing is changed."""

    version: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    state: str | None = None
    runtime_properties: dict[str, Any] | None = None
    system_properties: dict[str, Any] | None = None
    relationships: list[Any] | None = None


@router.patch("/node-instances/{id}", response_model=rest.NodeInstance)
@requires(Permission.NODE_INSTANCE_UPDATE)
async def update_node_instance(
    context: ContextDep, id: str, changes: InstanceChanges, force: bool = False
) -> Response:
    """Change the state or the runtime properties; ``force`` does not compare versions."""
    if changes.relationships is not None or changes.system_properties is not None:
        raise InvalidInput("Only `state` and `runtime_properties` of a node instance can be changed.")
    if changes.runtime_properties is not None and changes.version is None and not force:
        raise InvalidInput("`version` is required: the version of the node instance that you read.")
    await context.manager.deployments.update_instance(
        context.tenant,
        id,
        version=None if force else changes.version,
        runtime_properties=changes.runtime_properties,
        state=changes.state,
    )
    return json_response(await context.manager.store.read(node_instance.get_json, context.tenant, id))
