"""Deployments, their outputs and capabilities, and their workflows."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from cloudwright.api import serializers
from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import (
    ContextDep,
    FieldsDep,
    ListQuery,
    ListQueryDep,
    RequestContext,
    Visibility,
    check_fields,
)
from cloudwright.api.labels import label_pairs
from cloudwright.api.list_filters import DeploymentFilterDep
from cloudwright.api.responses import JsonResponse, list_page, pick_fields, single_page
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.manager import views
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.planning import shown_inputs
from cloudwright.storage import deployments
from cloudwright.storage.filters import DeploymentFilter

router = resource_router("deployments")

# What is not of the record itself, and takes more reading.
_STATE = frozenset(
    name
    for name in rest.Deployment.__annotations__
    if name.startswith("latest_execution")
    or name in ("installation_status", "deployment_status", "workflows", "deployment_groups")
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


@router.get("/deployments", response_model=rest.Page[rest.Deployment])
@requires(Permission.DEPLOYMENT_LIST)
async def list_deployments(
    context: ContextDep, query: ListQueryDep, filter: DeploymentFilterDep
) -> JsonResponse:
    return await deployment_page(context, query, filter)


async def deployment_page(
    context: RequestContext, query: ListQuery, filter: DeploymentFilter
) -> JsonResponse:
    """Return a page of the deployments that the filter leaves."""
    check_fields(query.fields, rest.Deployment)
    with_state = query.fields is None or not _STATE.isdisjoint(query.fields)
    found, total = await context.manager.store.read_page(
        views.list_deployments, filter, query.page, with_state=with_state
    )
    made = (serializers.deployment(view) for view in found)
    return list_page(made, total, query.page, query.fields)


@router.get("/deployments/{id}", response_model=rest.Deployment)
@requires(Permission.DEPLOYMENT_GET)
async def get_deployment(
    context: ContextDep,
    id: str,
    fields: FieldsDep,
    all_sub_deployments: bool = True,
    include_workdir: bool = False,
) -> JsonResponse:
    """Return a deployment; ``include_workdir`` adds its working folder as a zip in base64.

    ``all_sub_deployments`` makes no difference: they are not counted.
    """
    check_fields(fields, rest.Deployment)
    view = await context.manager.store.read(views.get_deployment, context.tenant, id)
    made = pick_fields(serializers.deployment(view), fields)
    if include_workdir:
        zipped = await context.manager.deployments.zip_workdir(context.tenant, id)
        made = {**made, "workdir_zip": b64encode(zipped).decode()}
    return JsonResponse(made)


@router.put("/deployments/{id}", response_model=rest.Deployment, status_code=201)
@requires(Permission.DEPLOYMENT_CREATE)
async def create_deployment(context: ContextDep, id: str, new: NewDeployment) -> JsonResponse:
    context.check_visibility(new.visibility)
    await context.check_seen("blueprints", new.blueprint_id)
    row = await context.manager.deployments.create(
        context.tenant,
        id,
        new.blueprint_id,
        new.inputs or {},
        viewer=context.viewer,
        display_name=new.display_name,
        labels=label_pairs(new.labels),
        visibility=new.visibility,
        site_name=new.site_name,
        settings=new.settings,
        runtime_only_evaluation=new.runtime_only_evaluation,
        auto_correct_types=new.auto_correct_types,
    )
    view = await context.manager.store.read(views.get_deployment, context.tenant, row.id)
    warnings = await context.manager.deployments.warnings(context.tenant, row.id)
    found = {"warnings": [warning.to_json() for warning in warnings]}
    return JsonResponse({**serializers.deployment(view), **found}, status_code=201)


class Changes(BaseModel):
    """``creator`` is the user whose it is from now on, which only an administrator may say."""

    labels: list[dict[str, Any]] | None = None
    creator: str | None = None


@router.patch("/deployments/{id}", response_model=rest.Deployment)
@requires(Permission.DEPLOYMENT_UPDATE)
async def update_deployment(context: ContextDep, id: str, changes: Changes) -> JsonResponse:
    """Replace the labels, or give the deployment to another user."""
    if changes.labels is None and changes.creator is None:
        raise InvalidInput("Give the `labels` of the deployment, or its `creator`.")
    if changes.creator is not None:
        await context.give("deployments", id, changes.creator)
    if changes.labels is not None:
        await context.manager.deployments.set_labels(
            context.tenant, id, label_pairs(changes.labels), by=context.by
        )
    view = await context.manager.store.read(views.get_deployment, context.tenant, id)
    return JsonResponse(serializers.deployment(view))


class SiteChange(BaseModel):
    """``detach_site`` makes the deployment belong to none."""

    site_name: str | None = None
    detach_site: bool = False


@router.post("/deployments/{id}/set-site", response_model=rest.Deployment)
@requires(Permission.DEPLOYMENT_SET_SITE)
async def set_site(context: ContextDep, id: str, change: SiteChange) -> JsonResponse:
    """Say to which site the deployment belongs."""
    if (change.site_name is None) != change.detach_site:
        raise InvalidInput("Give either `site_name` or `detach_site`.")
    await context.manager.deployments.set_site(context.tenant, id, change.site_name)
    view = await context.manager.store.read(views.get_deployment, context.tenant, id)
    return JsonResponse(serializers.deployment(view))


@router.delete("/deployments/{id}", status_code=204)
@requires(Permission.DEPLOYMENT_DELETE)
async def delete_deployment(
    context: ContextDep, id: str, force: bool = False, recursive: bool = False
) -> Response:
    """Delete a deployment of which nothing is installed and that no other one uses.

    ``force`` looks at neither; ``recursive`` deletes those before that are a part of it by their label
    `csys-obj-parent`.
    """
    await context.manager.deployments.delete(
        context.tenant, id, force=force, recursive=recursive, by=context.by, caller=context.caller
    )
    return Response(status_code=204)


@router.get("/deployments/{id}/outputs", response_model=rest.Outputs)
@requires(Permission.DEPLOYMENT_MODIFICATION_OUTPUTS)
async def get_outputs(context: ContextDep, id: str) -> JsonResponse:
    """The outputs' values as they are now."""
    return JsonResponse(
        {
            "deployment_id": id,
            "outputs": await context.manager.deployments.outputs(context.viewer, context.tenant, id),
        }
    )


@router.get("/deployments/{id}/capabilities", response_model=rest.Capabilities)
@requires(Permission.DEPLOYMENT_CAPABILITIES)
async def get_capabilities(context: ContextDep, id: str) -> JsonResponse:
    """The capabilities' values as they are now."""
    values = await context.manager.deployments.capabilities(context.viewer, context.tenant, id)
    return JsonResponse({"deployment_id": id, "capabilities": values})


@router.get("/deployments/{id}/inputs", response_model=rest.Inputs)
@requires(Permission.DEPLOYMENT_GET)
async def get_inputs(context: ContextDep, id: str) -> JsonResponse:
    row = await context.manager.store.read(deployments.get, context.tenant, id)
    return JsonResponse({"deployment_id": id, "inputs": shown_inputs(row.inputs)})


@router.get("/deployments/{id}/labels", response_model=rest.Page[rest.Label])
@requires(Permission.DEPLOYMENT_GET)
async def get_labels(context: ContextDep, id: str) -> JsonResponse:
    row = await context.manager.store.read(deployments.get, context.tenant, id)
    return single_page(serializers.labels(row.labels))


@router.get("/deployments/{id}/workflows", response_model=rest.Page[rest.Workflow])
@requires(Permission.DEPLOYMENT_GET)
async def get_workflows(context: ContextDep, id: str) -> JsonResponse:
    view = await context.manager.store.read(views.get_deployment, context.tenant, id)
    return single_page(serializers.workflows(view))


@router.get("/workflows", response_model=rest.Page[rest.Workflow])
@requires(Permission.DEPLOYMENT_LIST)
async def list_workflows(
    context: ContextDep, query: ListQueryDep, filter: DeploymentFilterDep
) -> JsonResponse:
    """List the workflows of the deployments of a tenant, each name once: an available one if there is any."""
    return await workflow_page(context, query, filter)


async def workflow_page(context: RequestContext, query: ListQuery, filter: DeploymentFilter) -> JsonResponse:
    """Return the workflows of the deployments that the filter leaves."""
    listed, _ = await context.manager.store.read_page(
        views.list_deployments, filter, query.page, with_state=True
    )
    found: dict[str, rest.Workflow] = {}
    for view in listed:
        for workflow in serializers.workflows(view):
            known = found.get(workflow["name"])
            if known is None or workflow["is_available"]:
                found[workflow["name"]] = workflow
    return single_page([found[name] for name in sorted(found)])
