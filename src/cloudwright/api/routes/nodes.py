"""Nodes and node instances."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field

from cloudwright.api import making, reading, shapes
from cloudwright.api.answers import Json, listed, only, told
from cloudwright.api.asking import LARGEST, Asked, Fields, Listed, check_fields, some
from cloudwright.api.bodies import routes_of
from cloudwright.api.listing import NODE_INSTANCE
from cloudwright.errors import InvalidInput
from cloudwright.storage import instances
from cloudwright.storage.filters import InstanceFilter, NodeFilter
from cloudwright.storage.telling import tell_page

router = routes_of("nodes")

_Names = Annotated[list[str] | None, Query()]


@router.get("/nodes", response_model=shapes.Listed[shapes.Node])
async def list_nodes(
    asking: Asked,
    listing: Listed,
    deployment_id: _Names = None,
    id: _Names = None,
    _evaluate_functions: bool = False,
) -> Json:
    """Nodes; with ``_evaluate_functions`` their properties' functions are evaluated as things are now."""
    check_fields(listing.fields, shapes.Node)
    filter = NodeFilter(
        tenant=listing.tenant(asking),
        deployment_ids=some(deployment_id),
        ids=some(id),
        search=listing.search,
    )
    rows, total = await asking.manager.store.read(reading.list_nodes, filter, listing.page)
    made = [making.node(row, owner) for row, owner in rows]
    if _evaluate_functions:
        for row, node in zip(rows, made, strict=True):
            node["properties"] = await asking.manager.deployments.evaluate(
                row[0].tenant, row[0].deployment_id, node["properties"]
            )
    return listed(made, total, listing.page, listing.fields)


@router.get("/node-instances", response_model=shapes.Listed[shapes.NodeInstance])
async def list_node_instances(
    asking: Asked,
    listing: Listed,
    deployment_id: _Names = None,
    node_id: _Names = None,
    id: _Names = None,
    state: _Names = None,
    host_id: _Names = None,
) -> Response:
    check_fields(listing.fields, shapes.NodeInstance)
    filter = InstanceFilter(
        tenant=listing.tenant(asking),
        deployment_ids=some(deployment_id),
        node_ids=some(node_id),
        ids=some(id),
        states=some(state),
        host_ids=some(host_id),
        search=listing.search,
    )
    found = instances.listing(filter)
    return told(
        await asking.manager.store.read(tell_page, found, NODE_INSTANCE, listing.fields, listing.page),
        listing.page,
    )


@router.get("/node-instances/{id}", response_model=shapes.NodeInstance)
async def get_node_instance(
    asking: Asked, id: str, fields: Fields, _evaluate_functions: bool = False
) -> Json:
    check_fields(fields, shapes.NodeInstance)
    row, owner = await asking.manager.store.read(reading.get_instance, asking.tenant, id)
    made = making.node_instance(row, owner)
    if _evaluate_functions:
        made["runtime_properties"] = await asking.manager.deployments.evaluate(
            asking.tenant, row.deployment_id, made["runtime_properties"], instance_id=id
        )
    return Json(only(made, fields))


class InstanceChanges(BaseModel):
    """``version`` is the one that was read; where it is older than the current one, nothing is changed."""

    version: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    state: str | None = None
    runtime_properties: dict[str, Any] | None = None
    system_properties: dict[str, Any] | None = None
    relationships: list[Any] | None = None


@router.patch("/node-instances/{id}", response_model=shapes.NodeInstance)
async def update_node_instance(asking: Asked, id: str, changes: InstanceChanges, force: bool = False) -> Json:
    """Change the state or the runtime properties; ``force`` does not compare versions."""
    if changes.relationships is not None or changes.system_properties is not None:
        raise InvalidInput("Only `state` and `runtime_properties` of a node instance can be changed.")
    if changes.runtime_properties is not None and changes.version is None and not force:
        raise InvalidInput("Say in `version` which version of the node instance you have read.")
    await asking.manager.deployments.update_instance(
        asking.tenant,
        id,
        version=None if force else changes.version,
        runtime_properties=changes.runtime_properties,
        state=changes.state,
    )
    row, owner = await asking.manager.store.read(reading.get_instance, asking.tenant, id)
    return Json(making.node_instance(row, owner))
