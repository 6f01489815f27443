"""Groups of deployments: create, fill, empty, delete."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel

from cloudwright.api import serializers
from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import (
    ContextDep,
    FieldsDep,
    ListQueryDep,
    RequestContext,
    Visibility,
    check_fields,
    split_values,
)
from cloudwright.api.labels import label_pairs
from cloudwright.api.list_filters import stored_rules
from cloudwright.api.responses import JsonResponse, list_page, pick_fields, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.manager.deployment_groups import Asking, GroupChanges, NewDeployment
from cloudwright.model import rest
from cloudwright.model.filter_rules import ATTRIBUTES, parse_rules
from cloudwright.model.permissions import Permission
from cloudwright.storage import deployment_groups
from cloudwright.storage.deployment_groups import DeploymentGroup, Selection
from cloudwright.storage.filters import DeploymentFilter

router = resource_router("deployment-groups", "/deployment-groups")


class NewMember(BaseModel):
    """A deployment to be made; ``id`` and ``display_name`` may hold placeholders, such as ``{count}``."""

    id: str | None = None
    display_name: str | None = None
    inputs: dict[str, Any] | None = None
    labels: list[dict[str, Any]] | None = None
    site_name: str | None = None
    runtime_only_evaluation: bool = False
    skip_plugins_validation: bool = False


class _Members(BaseModel):
    deployment_ids: list[str] | None = None
    filter_id: str | None = None
    filter_rules: list[Any] | None = None
    deployments_from_group: str | None = None
    new_deployments: list[NewMember] | None = None


class Group(_Members):
    """What is not given stays as it is. ``deployment_ids`` and ``filter_id`` replace its deployments."""

    visibility: Visibility | None = None
    description: str | None = None
    blueprint_id: str | None = None
    default_inputs: dict[str, Any] | None = None
    labels: list[dict[str, Any]] | None = None


class GroupMembers(BaseModel):
    """Deployments to take in, and deployments to take out."""

    add: _Members | None = None
    remove: _Members | None = None


@router.get("", response_model=rest.Page[rest.DeploymentGroup])
@requires(Permission.DEPLOYMENT_GROUP_LIST)
async def list_deployment_groups(
    context: ContextDep, query: ListQueryDep, id: Annotated[list[str] | None, Query()] = None
) -> JsonResponse:
    check_fields(query.fields, rest.DeploymentGroup)
    rows, total = await context.manager.store.read_page(
        deployment_groups.list_groups, query.tenant(context), split_values(id), query.search, query.page
    )
    return list_page((_group(*row) for row in rows), total, query.page, query.fields)


@router.get("/{id}", response_model=rest.DeploymentGroup)
@requires(Permission.DEPLOYMENT_GROUP_GET)
async def get_deployment_group(context: ContextDep, id: str, fields: FieldsDep) -> JsonResponse:
    check_fields(fields, rest.DeploymentGroup)
    row = await context.manager.deployment_groups.get(context.tenant, id)
    return JsonResponse(pick_fields(_group(*row), fields))


@router.put("/{id}", response_model=rest.DeploymentGroup)
@requires(Permission.DEPLOYMENT_GROUP_CREATE)
async def put_deployment_group(context: ContextDep, id: str, given: Group) -> JsonResponse:
    """Create or change a group, and make deployments in it."""
    context.check_visibility(given.visibility)
    await context.check_seen("deployment-groups", id)
    changes = GroupChanges(
        visibility=given.visibility,
        description=given.description,
        default_blueprint_id=given.blueprint_id,
        default_inputs=given.default_inputs,
        labels=None if given.labels is None else label_pairs(given.labels),
    )
    replaces = given.deployment_ids is not None or given.filter_id is not None
    only = given.model_copy(update={"deployments_from_group": None, "filter_rules": None})
    more = _Members(deployments_from_group=given.deployments_from_group, filter_rules=given.filter_rules)
    await context.manager.deployment_groups.put(
        _asking(context),
        id,
        changes,
        members=await _selection(context, only) if replaces else None,
        more=await _selection(context, more),
        new=_new(given),
    )
    return await _respond(context, id)


@router.patch("/{id}", response_model=rest.DeploymentGroup)
@requires(Permission.DEPLOYMENT_GROUP_UPDATE)
async def change_deployment_group(context: ContextDep, id: str, given: GroupMembers) -> JsonResponse:
    """Take deployments into a group or out of it, and make new ones in it."""
    groups = context.manager.deployment_groups
    if given.remove is not None and given.remove.new_deployments:
        raise InvalidInput("`new_deployments` can be added, not removed.")
    if given.add is not None:
        await groups.add(_asking(context), id, await _selection(context, given.add), _new(given.add))
    those = None if given.remove is None else await _selection(context, given.remove)
    if those is not None:
        await groups.remove(context.tenant, id, those)
    return await _respond(context, id)


@router.delete("/{id}", status_code=204)
@requires(Permission.DEPLOYMENT_GROUP_DELETE)
async def delete_deployment_group(
    context: ContextDep,
    id: str,
    delete_deployments: bool = False,
    force: bool = False,
    delete_logs: bool = False,
    recursive: bool = False,
) -> Response:
    """Delete a group, with ``delete_deployments`` its deployments too: all of them or none.

    ``delete_logs`` and ``recursive`` mean here what they mean for a deployment.
    """
    await context.manager.deployment_groups.delete(
        context.tenant, id, with_deployments=delete_deployments, force=force, by=context.by
    )
    return Response(status_code=204)


def _asking(context: RequestContext) -> Asking:
    return Asking(context.tenant, context.viewer, context.caller)


async def _respond(context: RequestContext, id: str) -> JsonResponse:
    return JsonResponse(_group(*await context.manager.deployment_groups.get(context.tenant, id)))


async def _selection(context: RequestContext, given: _Members) -> Selection | None:
    """Return which deployments are meant, None if nothing says it. Raises InvalidFilterRule, NotFound."""
    for id in given.deployment_ids or ():
        await context.check_seen("deployments", id)
    if given.deployments_from_group is not None:
        await context.check_seen("deployment-groups", given.deployments_from_group)
    rules = await stored_rules(context, "deployments", given.filter_id)
    if given.filter_rules:
        rules = (*rules, *parse_rules(given.filter_rules, ATTRIBUTES["deployments"], labels=True))
    if not rules and given.deployment_ids is None and given.deployments_from_group is None:
        return None
    return Selection(
        ids=given.deployment_ids or (),
        from_group=given.deployments_from_group,
        filter=DeploymentFilter(tenant=context.scope, rules=rules) if rules else None,
    )


def _new(given: _Members) -> list[NewDeployment]:
    return [
        NewDeployment(
            id=item.id,
            display_name=item.display_name,
            inputs=item.inputs or {},
            labels=label_pairs(item.labels or []),
            site_name=item.site_name,
            runtime_only_evaluation=item.runtime_only_evaluation,
        )
        for item in given.new_deployments or ()
    ]


def _group(row: DeploymentGroup, members: list[str]) -> rest.DeploymentGroup:
    return {
        "id": row.id,
        "description": row.description,
        "default_blueprint_id": row.default_blueprint_id,
        "default_inputs": row.default_inputs,
        "deployment_ids": members,
        "labels": serializers.labels(row.labels),
        "creation_counter": row.creation_counter,
        "created_at": timestamp(row.created_at),
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": row.visibility,
    }
