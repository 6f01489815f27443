"""Hooks: create, list, change, delete; their deliveries."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, ListQueryDep, check_fields, split_values
from cloudwright.api.responses import JsonResponse, list_page, optional_timestamp, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.model import rest
from cloudwright.model.hook import DeliveryState, Hook
from cloudwright.model.permissions import Permission
from cloudwright.storage import hooks
from cloudwright.storage.hooks import Delivery

router = resource_router("hooks", "/hooks")

_Names = Annotated[list[str] | None, Query()]


class NewHook(BaseModel):
    """What triggers it, and either a webhook (``url``, ``secret``) or a workflow."""

    event_types: list[str] = []
    statuses: list[str] = []
    of_deployment: str | None = None
    url: str | None = None
    secret: str | None = None
    workflow_id: str | None = None
    deployment_id: str | None = None
    parameters: dict[str, Any] = {}
    event_parameter: str | None = None
    enabled: bool = True


class HookChanges(BaseModel):
    event_types: list[str] | None = None
    statuses: list[str] | None = None
    of_deployment: str | None = None
    url: str | None = None
    secret: str | None = None
    deployment_id: str | None = None
    parameters: dict[str, Any] | None = None
    event_parameter: str | None = None
    enabled: bool | None = None


#: What a change may set to nothing; the others are what they were then.
_MAY_BE_NONE = frozenset({"of_deployment", "deployment_id", "event_parameter"})


@router.get("", response_model=rest.Page[rest.Hook])
@requires(Permission.HOOK_LIST)
async def list_hooks(context: ContextDep, query: ListQueryDep, id: _Names = None) -> JsonResponse:
    check_fields(query.fields, rest.Hook)
    rows, total = await context.manager.store.read_page(
        hooks.list_hooks, query.tenant(context), split_values(id), query.search, query.page
    )
    return list_page((_hook(row) for row in rows), total, query.page, query.fields)


@router.get("/{id}", response_model=rest.Hook)
@requires(Permission.HOOK_GET)
async def get_hook(context: ContextDep, id: str) -> JsonResponse:
    return JsonResponse(_hook(await context.manager.store.read(hooks.get, context.tenant, id)))


@router.put("/{id}", response_model=rest.Hook, status_code=201)
@requires(Permission.HOOK_CREATE)
async def create_hook(context: ContextDep, id: str, new: NewHook) -> JsonResponse:
    """Create a hook, which acts as the user who creates it."""
    hook = Hook(id=id, tenant=context.tenant, created_by=context.by, **new.model_dump())
    for deployment in (hook.of_deployment, hook.deployment_id):
        if deployment is not None:
            await context.check_seen("deployments", deployment)
    return JsonResponse(_hook(await context.manager.hooks.create(context.viewer, hook)), 201)


@router.patch("/{id}", response_model=rest.Hook)
@requires(Permission.HOOK_UPDATE)
async def update_hook(context: ContextDep, id: str, new: HookChanges) -> JsonResponse:
    """Change what is given. Only the user who created it, or an administrator, may."""
    given = new.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name in _MAY_BE_NONE}
    for name in ("of_deployment", "deployment_id"):
        if changes.get(name) is not None:
            await context.check_seen("deployments", changes[name])
    changed = await context.manager.hooks.change(context.viewer, context.tenant, id, changes)
    return JsonResponse(_hook(changed))


@router.delete("/{id}", status_code=204)
@requires(Permission.HOOK_DELETE)
async def delete_hook(context: ContextDep, id: str) -> Response:
    """Delete a hook with its deliveries; what was not delivered yet is not any more."""
    await context.manager.hooks.delete(context.viewer, context.tenant, id)
    return Response(status_code=204)


@router.get("/{id}/deliveries", response_model=rest.Page[rest.HookDelivery])
@requires(Permission.HOOK_LIST)
async def list_deliveries(
    context: ContextDep, query: ListQueryDep, id: str, state: _Names = None
) -> JsonResponse:
    """List what was done for a hook, the newest first; `state` is `pending`, `delivered` or `failed`."""
    check_fields(query.fields, rest.HookDelivery)
    states = split_values(state)
    unknown = [name for name in states or () if name not in tuple(DeliveryState)]
    if unknown:
        raise InvalidInput(f"`{unknown[0][:200]}` is not a state; they are: {', '.join(DeliveryState)}.")
    store = context.manager.store
    await store.read(hooks.get, context.tenant, id)
    rows, total = await store.read_page(hooks.list_deliveries, context.tenant, id, states, query.page)
    return list_page((_delivery(row) for row in rows), total, query.page, query.fields)


@router.post("/{id}/deliveries/{delivery_id}/retry", response_model=rest.HookDelivery)
@requires(Permission.HOOK_UPDATE)
async def retry_delivery(context: ContextDep, id: str, delivery_id: str) -> JsonResponse:
    """Have a delivery tried at once, also one that was given up."""
    manager = context.manager
    delivery = await manager.hooks.retry(context.viewer, context.tenant, id, delivery_id)
    return JsonResponse(_delivery(delivery))


def _hook(row: Hook) -> rest.Hook:
    return {
        "id": row.id,
        "tenant_name": row.tenant,
        "event_types": row.event_types,
        "statuses": row.statuses,
        "of_deployment": row.of_deployment,
        "url": row.url,
        "secret": row.secret,
        "workflow_id": row.workflow_id,
        "deployment_id": row.deployment_id,
        "parameters": row.parameters,
        "event_parameter": row.event_parameter,
        "enabled": row.enabled,
        "created_by": row.created_by,
        "created_at": optional_timestamp(row.created_at),
    }


def _delivery(row: Delivery) -> rest.HookDelivery:
    pending = row.state == DeliveryState.PENDING
    return {
        "id": row.id,
        "hook_id": row.hook_id,
        "execution_id": row.execution_id,
        "event_type": row.event_type,
        "state": row.state,
        "attempts": row.attempts,
        "next_attempt_at": timestamp(row.next_attempt_at) if pending else None,
        "response_status": row.response_status,
        "error": row.error,
        "started_execution": row.started_execution,
        "created_at": timestamp(row.created_at),
        "ended_at": optional_timestamp(row.ended_at),
    }
