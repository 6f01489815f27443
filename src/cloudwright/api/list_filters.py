"""What lists are narrowed to: parameters of a query, the same for a list and a search."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Query

from cloudwright.api.dependencies import ContextDep, ListQueryDep, RequestContext, Visibility, split_values
from cloudwright.errors import InvalidInput
from cloudwright.model.filter_rules import ATTRIBUTES, FilterRule, parse_rules
from cloudwright.storage.filters import BlueprintFilter, DeploymentFilter, InstanceFilter, NodeFilter
from cloudwright.storage.stored_filters import FILTERS

_Names = Annotated[list[str] | None, Query()]
_FilterId = Annotated[str | None, Query(description="Records that fulfil the rules of this stored filter.")]


_ENVIRONMENTS = FilterRule("label", "csys-obj-type", "any_of", ("environment",))


async def stored_rules(context: RequestContext, resource: str, id: str | None) -> tuple[FilterRule, ...]:
    """Return the rules of a stored filter; none without an id. Raises NotFound."""
    if not id:
        return ()
    found = await context.manager.store.read(FILTERS[resource].find, context.tenant, id)
    return parse_rules(found.rules, ATTRIBUTES[resource], labels=True)


async def _deployment_filter(
    context: ContextDep,
    query: ListQueryDep,
    id: _Names = None,
    display_name: _Names = None,
    visibility: Annotated[list[Visibility] | None, Query()] = None,
    installation_status: Annotated[list[Literal["active", "inactive"]] | None, Query()] = None,
    deployment_status: Annotated[
        list[Literal["good", "in_progress", "requires_attention"]] | None, Query()
    ] = None,
    blueprint_id: _Names = None,
    site_name: _Names = None,
    created_by: str | None = None,
    _search_name: str | None = None,
    _group_id: str | None = None,
    deployment_group_id: str | None = None,
    _dependencies_of: str | None = None,
    _environments_only: Annotated[bool, Query(description="Those with the label of an environment.")] = False,
    _filter_id: _FilterId = None,
) -> DeploymentFilter:
    if _dependencies_of:
        raise InvalidInput("Dependencies of deployments do not exist here.")
    return DeploymentFilter(
        tenant=query.tenant(context),
        ids=split_values(id),
        display_names=display_name,
        visibilities=visibility,
        blueprint_ids=split_values(blueprint_id),
        site_names=split_values(site_name),
        created_by=created_by,
        search=query.search,
        search_name=_search_name,
        installation_statuses=installation_status,
        deployment_statuses=deployment_status,
        group_id=_group_id or deployment_group_id,
        rules=(
            *await stored_rules(context, "deployments", _filter_id),
            *((_ENVIRONMENTS,) if _environments_only else ()),
        ),
    )


async def _blueprint_filter(
    context: ContextDep,
    query: ListQueryDep,
    id: _Names = None,
    state: _Names = None,
    main_file_name: _Names = None,
    visibility: Annotated[list[Visibility] | None, Query()] = None,
    created_by: str | None = None,
    _filter_id: _FilterId = None,
) -> BlueprintFilter:
    return BlueprintFilter(
        tenant=query.tenant(context),
        ids=split_values(id),
        states=split_values(state),
        main_file_names=main_file_name,
        visibilities=visibility,
        created_by=created_by,
        search=query.search,
        rules=await stored_rules(context, "blueprints", _filter_id),
    )


async def _node_filter(
    context: ContextDep,
    query: ListQueryDep,
    deployment_id: _Names = None,
    id: _Names = None,
    node_id: _Names = None,
    blueprint_id: _Names = None,
    created_by: str | None = None,
) -> NodeFilter:
    return NodeFilter(
        tenant=query.tenant(context),
        deployment_ids=split_values(deployment_id),
        blueprint_ids=split_values(blueprint_id),
        ids=split_values([*(id or []), *(node_id or [])]),
        created_by=created_by,
        search=query.search,
    )


async def _instance_filter(
    context: ContextDep,
    query: ListQueryDep,
    deployment_id: _Names = None,
    node_id: _Names = None,
    id: _Names = None,
    state: _Names = None,
    host_id: _Names = None,
    blueprint_id: _Names = None,
    created_by: str | None = None,
) -> InstanceFilter:
    return InstanceFilter(
        tenant=query.tenant(context),
        deployment_ids=split_values(deployment_id),
        node_ids=split_values(node_id),
        ids=split_values(id),
        states=split_values(state),
        host_ids=split_values(host_id),
        blueprint_ids=split_values(blueprint_id),
        created_by=created_by,
        search=query.search,
    )


NodeFilterDep = Annotated[NodeFilter, Depends(_node_filter)]
InstanceFilterDep = Annotated[InstanceFilter, Depends(_instance_filter)]
DeploymentFilterDep = Annotated[DeploymentFilter, Depends(_deployment_filter)]
BlueprintFilterDep = Annotated[BlueprintFilter, Depends(_blueprint_filter)]
