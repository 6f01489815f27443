"""Stored filters of deployments and of blueprints: create, list, change, delete."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Response
from pydantic import BaseModel

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, FieldsDep, ListQueryDep, Visibility, check_fields
from cloudwright.api.responses import JsonResponse, list_page, pick_fields, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.manager.identifiers import check_id
from cloudwright.model import rest
from cloudwright.model.filter_rules import ATTRIBUTES, LABEL, FilterRule, parse_rules
from cloudwright.model.labels import RESERVED_PREFIX
from cloudwright.model.permissions import Permission
from cloudwright.storage.stored_filters import FILTERS, StoredFilter

router = resource_router("filters", "/filters")

_Filtered = Literal["deployments", "blueprints"]


class NewFilter(BaseModel):
    filter_rules: list[Any]
    visibility: Visibility = "tenant"


class FilterChanges(BaseModel):
    """Rules of labels replace those of labels, and rules of attributes those of attributes."""

    filter_rules: list[Any] | None = None
    visibility: Visibility | None = None


@router.get("/{resource}", response_model=rest.Page[rest.Filter])
@requires(Permission.FILTER_LIST)
async def list_filters(context: ContextDep, query: ListQueryDep, resource: _Filtered) -> JsonResponse:
    """List the filters of a tenant, and those that are global."""
    check_fields(query.fields, rest.Filter)
    rows, total = await context.manager.store.read_page(
        FILTERS[resource].list, query.tenant(context), query.search, query.page
    )
    return list_page(map(_record, rows), total, query.page, query.fields)


@router.get("/{resource}/{id}", response_model=rest.Filter)
@requires(Permission.FILTER_GET)
async def get_filter(context: ContextDep, resource: _Filtered, id: str, fields: FieldsDep) -> JsonResponse:
    check_fields(fields, rest.Filter)
    found = await context.manager.store.read(FILTERS[resource].find, context.tenant, id)
    return JsonResponse(pick_fields(_record(found), fields))


@router.put("/{resource}/{id}", response_model=rest.Filter)
@requires(Permission.FILTER_CREATE)
async def create_filter(context: ContextDep, resource: _Filtered, id: str, new: NewFilter) -> JsonResponse:
    check_id("filter", id)
    if id.lower().startswith(RESERVED_PREFIX):
        raise InvalidInput(f"Filters whose ids begin with `{RESERVED_PREFIX}` are the manager's own.")
    context.check_visibility(new.visibility)
    rules = parse_rules(new.filter_rules, ATTRIBUTES[resource], labels=True)
    now = context.manager.clock()
    made = StoredFilter(
        tenant=context.tenant,
        id=id,
        rules=[rule.to_json() for rule in rules],
        visibility=new.visibility,
        created_by=context.by,
        created_at=now,
        updated_at=now,
    )
    return JsonResponse(_record(await context.manager.store.write(FILTERS[resource].create, made)))


@router.patch("/{resource}/{id}", response_model=rest.Filter)
@requires(Permission.FILTER_UPDATE)
async def update_filter(
    context: ContextDep, resource: _Filtered, id: str, new: FilterChanges
) -> JsonResponse:
    context.check_visibility(new.visibility)
    changes: dict[str, Any] = {}
    if new.visibility is not None:
        changes["visibility"] = new.visibility
    if new.filter_rules:
        rules = parse_rules(new.filter_rules, ATTRIBUTES[resource], labels=True)
        stored = await context.manager.store.read(FILTERS[resource].find, context.tenant, id)
        changes["rules"] = _merged(stored, rules)
    if not changes:
        raise InvalidInput("Give `filter_rules`, `visibility` or both: what is to change of the filter.")
    changes["updated_at"] = context.manager.clock()
    changed = await context.manager.store.write(FILTERS[resource].change, context.tenant, id, changes)
    return JsonResponse(_record(changed))


@router.delete("/{resource}/{id}", status_code=204)
@requires(Permission.FILTER_DELETE)
async def delete_filter(context: ContextDep, resource: _Filtered, id: str) -> Response:
    await context.manager.store.write(FILTERS[resource].delete, context.tenant, id)
    return Response(status_code=204)


def _merged(stored: StoredFilter, rules: tuple[FilterRule, ...]) -> list[dict[str, Any]]:
    """Return the new rules after those of the types that no new rule has."""
    types = {rule.type for rule in rules}
    kept = [rule for rule in stored.rules if rule["type"] not in types]
    return [*kept, *(rule.to_json() for rule in rules)]


def _record(row: StoredFilter) -> dict[str, Any]:
    return {
        "id": row.id,
        "value": row.rules,
        "labels_filter_rules": [rule for rule in row.rules if rule["type"] == LABEL],
        "attrs_filter_rules": [rule for rule in row.rules if rule["type"] != LABEL],
        "is_system_filter": False,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": row.visibility,
    }
