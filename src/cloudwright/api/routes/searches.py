"""Lists that are narrowed by what a body says: filter rules or constraints."""

from __future__ import annotations

from dataclasses import replace

from cloudwright.api.authorization import requires
from cloudwright.api.constraints import SearchBody, check_constraints, named_rules, owned_rules
from cloudwright.api.dependencies import ContextDep, ListQueryDep
from cloudwright.api.list_filters import BlueprintFilterDep, DeploymentFilterDep
from cloudwright.api.responses import JsonResponse
from cloudwright.api.routes.blueprints import blueprint_page
from cloudwright.api.routes.deployments import deployment_page, workflow_page
from cloudwright.api.routes.secrets import secret_page
from cloudwright.api.routing import resource_router
from cloudwright.model import rest
from cloudwright.model.permissions import Permission

router = resource_router("searches", "/searches")


@router.post("/deployments", response_model=rest.Page[rest.Deployment])
@requires(Permission.DEPLOYMENT_LIST)
async def search_deployments(
    context: ContextDep, query: ListQueryDep, filter: DeploymentFilterDep, body: SearchBody
) -> JsonResponse:
    """List deployments by rules or by constraints, whose patterns are about display names."""
    rules = await owned_rules(context, body, "deployments", "display_name")
    return await deployment_page(context, query, replace(filter, rules=(*filter.rules, *rules)))


@router.post("/workflows", response_model=rest.Page[rest.Workflow])
@requires(Permission.DEPLOYMENT_LIST)
async def search_workflows(
    context: ContextDep, query: ListQueryDep, filter: DeploymentFilterDep, body: SearchBody
) -> JsonResponse:
    """List the workflows of the deployments that fulfil rules."""
    rules = await owned_rules(context, body, "deployments", "display_name")
    return await workflow_page(context, query, replace(filter, rules=(*filter.rules, *rules)))


@router.post("/blueprints", response_model=rest.Page[rest.Blueprint])
@requires(Permission.BLUEPRINT_LIST)
async def search_blueprints(
    context: ContextDep, query: ListQueryDep, filter: BlueprintFilterDep, body: SearchBody
) -> JsonResponse:
    """List blueprints by rules or by constraints, whose patterns are about ids."""
    rules = await owned_rules(context, body, "blueprints", "id")
    return await blueprint_page(context, query, replace(filter, rules=(*filter.rules, *rules)))


@router.post("/secrets", response_model=rest.Page[rest.Secret])
@requires(Permission.SECRET_LIST)
async def search_secrets(context: ContextDep, query: ListQueryDep, body: SearchBody) -> JsonResponse:
    """List secrets, without their values, by rules or by constraints."""
    constraints = check_constraints(body.constraints, ("name_pattern", "valid_values"))
    return await secret_page(context, query, None, None, named_rules(body, constraints, "secrets", "key"))
