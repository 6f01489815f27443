"""Searches of what is in a deployment, or will be in one of a blueprint: nodes, scaling groups and more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Query, Response

from cloudwright.api.authorization import requires
from cloudwright.api.constraints import SearchBody, check_constraints, named_rules, pattern_rules
from cloudwright.api.dependencies import ContextDep, ListQuery, ListQueryDep, RequestContext, check_fields
from cloudwright.api.list_filters import InstanceFilterDep
from cloudwright.api.plans import expand_plan
from cloudwright.api.responses import JsonResponse, list_page
from cloudwright.api.routes.nodes import instance_page, node_page
from cloudwright.api.routing import resource_router
from cloudwright.api.serializers import plan_node
from cloudwright.errors import InvalidInput
from cloudwright.model import rest
from cloudwright.model.filter_rules import FilterRule, parse_rules
from cloudwright.model.permissions import Permission
from cloudwright.storage import blueprints, deployments
from cloudwright.storage.filters import NodeFilter

router = resource_router("searches", "/searches")

_Id = Annotated[str | None, Query()]
_PLACES = ("deployment_id", "blueprint_id")
_NAMED = (*_PLACES, "name_pattern", "valid_values")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where it is searched: in a deployment, or in the plan of a blueprint."""

    deployment_id: str | None
    blueprint_id: str | None


@router.post("/nodes", response_model=rest.Page[rest.Node])
@requires(Permission.NODE_LIST)
async def search_nodes(
    context: ContextDep,
    query: ListQueryDep,
    body: SearchBody,
    deployment_id: _Id = None,
    blueprint_id: _Id = None,
    id: _Id = None,
    _evaluate_functions: bool = False,
) -> JsonResponse:
    """List the nodes of a deployment or a blueprint by rules or constraints.

    The constraint ``operation_name_specs`` is a pattern that the name of an operation fulfils.
    """
    constraints = check_constraints(body.constraints, (*_NAMED, "operation_name_specs"))
    place = _place(deployment_id, blueprint_id, constraints)
    rules = named_rules(body, constraints, "nodes", "id")
    operations = pattern_rules(constraints, "operation_name_specs", "operation_name")
    rules += parse_rules(operations, ["operation_name"], labels=False)
    if id is not None:
        rules += (FilterRule("attribute", "id", "any_of", (id,)),)
    return await _nodes(context, query, place, _fulfil(rules), evaluated=_evaluate_functions)


@router.post("/node-types", response_model=rest.Page[rest.Node])
@requires(Permission.NODE_LIST)
async def search_node_types(
    context: ContextDep,
    query: ListQueryDep,
    body: SearchBody,
    deployment_id: _Id = None,
    blueprint_id: _Id = None,
) -> JsonResponse:
    """List the nodes whose type fits; of ``valid_values``, types that are derived from one fit too."""
    constraints = check_constraints(body.constraints, _NAMED)
    place = _place(deployment_id, blueprint_id, constraints)
    valid = constraints.get("valid_values") or []
    pattern = {name: value for name, value in constraints.items() if name != "valid_values"}
    fits = _fulfil(named_rules(body, pattern, "nodes", "type"))
    wanted = (query.search or "").lower()

    def fit(node: Mapping[str, Any]) -> bool:
        derived = not valid or any(kind in valid for kind in node["type_hierarchy"])
        return derived and fits(node) and wanted in node["type"].lower()

    return await _nodes(context, replace(query, search=None), place, fit)


@router.post("/node-instances", response_model=rest.Page[rest.NodeInstance])
@requires(Permission.NODE_INSTANCE_LIST)
async def search_node_instances(
    context: ContextDep, query: ListQueryDep, filter: InstanceFilterDep, body: SearchBody
) -> Response:
    """List node instances by rules or constraints about their ids."""
    constraints = check_constraints(body.constraints, ("deployment_id", "name_pattern", "valid_values"))
    rules = named_rules(body, constraints, "node_instances", "id")
    narrowed = replace(filter, rules=rules)
    if "deployment_id" in constraints:
        _refuse_twice(filter.deployment_ids, "deployment_id")
        narrowed = replace(narrowed, deployment_ids=[str(constraints["deployment_id"])])
    return await instance_page(context, query, narrowed)


@router.post("/capabilities", response_model=rest.Page[rest.FoundCapabilities])
@requires(Permission.DEPLOYMENT_CAPABILITIES)
async def search_capabilities(
    context: ContextDep, query: ListQueryDep, body: SearchBody, deployment_id: _Id = None
) -> JsonResponse:
    """List capabilities of a deployment by their names, by valid values, or by ``_search``, a value."""
    constraints = check_constraints(body.constraints, ("deployment_id", "name_pattern", "valid_values"))
    place = _place(deployment_id, None, constraints)
    assert place.deployment_id is not None
    fits = _names(constraints)
    await context.check_seen("deployments", place.deployment_id)
    row = await context.manager.store.read(deployments.get, context.tenant, place.deployment_id)
    values = await context.manager.deployments.capabilities(context.viewer, context.tenant, row.id)
    found = [
        {name: {**row.capabilities[name], "value": value}}
        for name, value in values.items()
        if fits(name)
        and value in (constraints.get("valid_values") or [value])
        and query.search in (None, value)
    ]
    made = [{"deployment_id": row.id, "capabilities": found}] if found else []
    return _part(made, query, rest.FoundCapabilities)


@router.post("/scaling-groups", response_model=rest.Page[rest.ScalingGroup])
@requires(Permission.DEPLOYMENT_GET)
async def search_scaling_groups(
    context: ContextDep,
    query: ListQueryDep,
    body: SearchBody,
    deployment_id: _Id = None,
    blueprint_id: _Id = None,
) -> JsonResponse:
    """List the scaling groups of a deployment or a blueprint by their names."""
    constraints = check_constraints(body.constraints, _NAMED)
    place = _place(deployment_id, blueprint_id, constraints)
    groups = await _scaling_groups(context, place)
    fits, valid = _names(constraints), constraints.get("valid_values")
    found = [
        {
            "deployment_id": place.deployment_id,
            "name": name,
            "members": group.get("members") or [],
            "properties": group.get("properties") or {},
        }
        for name, group in groups.items()
        if fits(name) and (not valid or name in valid) and (query.search or "").lower() in name.lower()
    ]
    return _part(found, query, rest.ScalingGroup)


def _place(deployment_id: str | None, blueprint_id: str | None, constraints: Mapping[str, Any]) -> _Place:
    """Return where to search, which a parameter or a constraint says. Raises InvalidInput."""
    given = {"deployment_id": deployment_id, "blueprint_id": blueprint_id}
    for name in _PLACES:
        if constraints.get(name) is not None:
            _refuse_twice(given[name], name)
            given[name] = str(constraints[name])
    if all(value is None for value in given.values()):
        raise InvalidInput("Say where to search: give `deployment_id` or `blueprint_id`.")
    if None not in given.values():
        raise InvalidInput("Search in a deployment or in a blueprint, not in both.")
    return _Place(**given)


def _refuse_twice(given: Any, name: str) -> None:
    if given is not None:
        raise InvalidInput(f"`{name}` is a parameter and a constraint; give one of them.")


def _fulfil(rules: Sequence[FilterRule]) -> Callable[[Mapping[str, Any]], bool]:
    """Return whether a node of a plan fulfils all rules; one about operations, if one of them does."""

    def fulfils(node: Mapping[str, Any]) -> bool:
        return all(any(map(rule.matches, _attribute(node, rule.key))) for rule in rules)

    return fulfils


def _attribute(node: Mapping[str, Any], name: str) -> Sequence[str]:
    return list(node["operations"]) if name == "operation_name" else [node[name]]


def _names(constraints: Mapping[str, Any]) -> Callable[[str], bool]:
    """Return whether a name fulfils the pattern of the constraints."""
    rules = parse_rules(pattern_rules(constraints, "name_pattern", "name"), ["name"], labels=False)
    return lambda name: all(rule.matches(name) for rule in rules)


async def _nodes(
    context: RequestContext,
    query: ListQuery,
    place: _Place,
    fits: Callable[[Mapping[str, Any]], bool],
    *,
    evaluated: bool = False,
) -> JsonResponse:
    if place.blueprint_id is None:
        assert place.deployment_id is not None
        filter = NodeFilter(
            tenant=query.tenant(context), deployment_ids=[place.deployment_id], search=query.search
        )
        return await node_page(context, query, filter, fits, evaluated=evaluated)
    plan = await _plan(context, place.blueprint_id)
    wanted = (query.search or "").lower()
    nodes = [node for node in plan["nodes"] if wanted in node["id"].lower() and fits(node)]
    return _part([plan_node(place.blueprint_id, node) for node in nodes], query, rest.Node)


async def _scaling_groups(context: RequestContext, place: _Place) -> Mapping[str, Any]:
    if place.blueprint_id is not None:
        plan = await _plan(context, place.blueprint_id)
        return plan.get("scaling_groups") or {}
    assert place.deployment_id is not None
    await context.check_seen("deployments", place.deployment_id)
    row = await context.manager.store.read(deployments.get, context.tenant, place.deployment_id)
    return row.scaling_groups


async def _plan(context: RequestContext, id: str) -> Mapping[str, Any]:
    await context.check_seen("blueprints", id)
    row = await context.manager.store.read(blueprints.get, context.tenant, id, with_plan=True)
    plan = expand_plan(row.plan)
    if plan is None:
        raise InvalidInput(f"Blueprint `{id}` is `{row.state}`, so nothing is known of what is in it.")
    return plan


def _part(items: Sequence[Mapping[str, Any]], query: ListQuery, shape: Any) -> JsonResponse:
    """Return the page of a list that is whole in memory. Raises InvalidInput."""
    check_fields(query.fields, shape)
    page = query.page
    if page.sort:
        name, descending = page.sort[0]
        if name not in shape.__annotations__:
            raise InvalidInput(f"The list cannot be sorted by `{name}`.")
        items = sorted(items, key=lambda item: str(item.get(name)), reverse=descending)
    size = len(items) if page.size is None else page.size
    return list_page(items[page.offset : page.offset + size], len(items), page, query.fields)
