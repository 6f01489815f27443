"""Deployments, their outputs and capabilities, and their workflows."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel

from cloudwright.api import making, reading, shapes
from cloudwright.api.answers import Json, listed, only, whole
from cloudwright.api.asking import Asked, Fields, Listed, Visibility, check_fields, some
from cloudwright.api.bodies import routes_of
from cloudwright.api.labels import label_pairs
from cloudwright.errors import InvalidInput
from cloudwright.storage import deployments
from cloudwright.storage.filters import DeploymentFilter

router = routes_of("deployments")

# What is not of the record itself, and takes more reading.
_STATE = frozenset(
    name
    for name in shapes.Deployment.__annotations__
    if name.startswith("latest_execution") or name in ("installation_status", "deployment_status")
)


class NewDeployment(BaseModel):
    """``settings`` may hold ``cancel_grace_seconds``, ``task_retries`` and the like."""

    blueprint_id: str
    inputs: dict[str, Any] | None = None
    display_name: str | None = None
    labels: list[dict[str, Any]] = []
    visibility: Visibility = "tenant"
    site_name: str | None = None
    runtime_only_evaluation: bool = False
    auto_correct_types: bool = False
    settings: dict[str, Any] = {}


@router.get("/deployments", response_model=shapes.Listed[shapes.Deployment])
async def list_deployments(
    asking: Asked,
    listing: Listed,
    id: Annotated[list[str] | None, Query()] = None,
    blueprint_id: Annotated[list[str] | None, Query()] = None,
    site_name: Annotated[list[str] | None, Query()] = None,
    created_by: str | None = None,
    _search_name: str | None = None,
    _group_id: str | None = None,
    _dependencies_of: str | None = None,
    _filter_id: str | None = None,
) -> Json:
    check_fields(listing.fields, shapes.Deployment)
    if _group_id or _dependencies_of or _filter_id:
        raise InvalidInput("Groups, dependencies and stored filters of deployments do not exist here.")
    filter = DeploymentFilter(
        tenant=listing.tenant(asking),
        ids=some(id),
        blueprint_ids=some(blueprint_id),
        site_names=some(site_name),
        created_by=created_by,
        search=listing.search or _search_name,
    )
    with_state = listing.fields is None or not _STATE.isdisjoint(listing.fields)
    views, total = await asking.manager.store.read(
        reading.list_deployments, filter, listing.page, with_state=with_state
    )
    made = (making.deployment(view.deployment, view.latest, view.states) for view in views)
    return listed(made, total, listing.page, listing.fields)


@router.get("/deployments/{id}", response_model=shapes.Deployment)
async def get_deployment(asking: Asked, id: str, fields: Fields) -> Json:
    check_fields(fields, shapes.Deployment)
    view = await asking.manager.store.read(reading.get_deployment, asking.tenant, id)
    return Json(only(making.deployment(view.deployment, view.latest, view.states), fields))


@router.put("/deployments/{id}", response_model=shapes.Deployment, status_code=201)
async def create_deployment(asking: Asked, id: str, new: NewDeployment) -> Json:
    row = await asking.manager.deployments.create(
        asking.tenant,
        id,
        new.blueprint_id,
        new.inputs or {},
        by=asking.by,
        display_name=new.display_name,
        labels=label_pairs(new.labels),
        visibility=new.visibility,
        site_name=new.site_name,
        settings=new.settings,
        runtime_only_evaluation=new.runtime_only_evaluation,
        auto_correct_types=new.auto_correct_types,
    )
    view = await asking.manager.store.read(reading.get_deployment, asking.tenant, row.id)
    return Json(making.deployment(view.deployment, view.latest, view.states), status_code=201)


class Changes(BaseModel):
    labels: list[dict[str, Any]]


@router.patch("/deployments/{id}", response_model=shapes.Deployment)
async def update_deployment(asking: Asked, id: str, changes: Changes) -> Json:
    """Replace the labels."""
    await asking.manager.deployments.set_labels(asking.tenant, id, label_pairs(changes.labels), by=asking.by)
    view = await asking.manager.store.read(reading.get_deployment, asking.tenant, id)
    return Json(making.deployment(view.deployment, view.latest, view.states))


@router.delete("/deployments/{id}", status_code=204)
async def delete_deployment(asking: Asked, id: str, force: bool = False) -> Response:
    """Delete a deployment of which nothing is installed; ``force`` does not look at that."""
    await asking.manager.deployments.delete(asking.tenant, id, force=force)
    return Response(status_code=204)


@router.get("/deployments/{id}/outputs", response_model=shapes.Outputs)
async def get_outputs(asking: Asked, id: str) -> Json:
    """The outputs' values as they are now."""
    return Json({"deployment_id": id, "outputs": await asking.manager.deployments.outputs(asking.tenant, id)})


@router.get("/deployments/{id}/capabilities", response_model=shapes.Capabilities)
async def get_capabilities(asking: Asked, id: str) -> Json:
    """The capabilities' values as they are now."""
    values = await asking.manager.deployments.capabilities(asking.tenant, id)
    return Json({"deployment_id": id, "capabilities": values})


@router.get("/deployments/{id}/inputs", response_model=shapes.Inputs)
async def get_inputs(asking: Asked, id: str) -> Json:
    row = await asking.manager.store.read(deployments.get, asking.tenant, id)
    return Json({"deployment_id": id, "inputs": row.inputs})


@router.get("/deployments/{id}/labels", response_model=shapes.Listed[shapes.Label])
async def get_labels(asking: Asked, id: str) -> Json:
    row = await asking.manager.store.read(deployments.get, asking.tenant, id)
    return whole(making.labels(row.labels))


@router.get("/deployments/{id}/workflows", response_model=shapes.Listed[shapes.Workflow])
async def get_workflows(asking: Asked, id: str) -> Json:
    row = await asking.manager.store.read(deployments.get, asking.tenant, id)
    return whole(
        [making.workflow(name, definition, row) for name, definition in sorted(row.workflows.items())]
    )


@router.get("/workflows", response_model=shapes.Listed[shapes.Workflow])
async def list_workflows(
    asking: Asked, listing: Listed, id: Annotated[list[str] | None, Query(description="Deployments.")] = None
) -> Json:
    """The workflows that the deployments of a tenant have, each name once."""
    filter = DeploymentFilter(tenant=listing.tenant(asking), ids=some(id), search=listing.search)
    rows, _ = await asking.manager.store.read(deployments.list_deployments, filter, listing.page)
    found = {
        name: making.workflow(name, definition, row)
        for row in rows
        for name, definition in row.workflows.items()
    }
    return whole([found[name] for name in sorted(found)])
