"""What is changed of the manager itself: settings, the provider context, the maintenance mode."""

from __future__ import annotations

from typing import Any

from fastapi import Response
from pydantic import BaseModel

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, RequestContext
from cloudwright.api.responses import JsonResponse, optional_timestamp, single_page
from cloudwright.api.routing import resource_router
from cloudwright.errors import Conflict
from cloudwright.manager.configuration import ConfigItem
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage import kept_values

router = resource_router("system")

_PROVIDER = "provider_context"
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The mode has this state already."}}


@router.get("/config", response_model=rest.Page[rest.ConfigItem])
@requires(Permission.MANAGER_CONFIG_GET)
async def list_config(context: ContextDep, scope: str | None = None) -> JsonResponse:
    """List the settings that clients and plugins use."""
    items = await context.manager.configuration.items()
    return single_page([_config_item(item) for item in items if scope in (None, item.scope)])


@router.get("/config/{name}", response_model=rest.ConfigItem)
@requires(Permission.MANAGER_CONFIG_GET)
async def get_config(context: ContextDep, name: str) -> JsonResponse:
    """Return a setting by its name, or by `SCOPE.NAME`."""
    return JsonResponse(_config_item(await context.manager.configuration.item(name)))


class NewValue(BaseModel):
    """``force`` changes nothing: what cannot be changed while the manager runs is refused with it too."""

    value: Any
    force: bool = False


@router.put("/config/{name}", response_model=rest.ConfigItem)
@requires(Permission.MANAGER_CONFIG_PUT)
async def put_config(context: ContextDep, name: str, new: NewValue) -> JsonResponse:
    """Change a setting. It is used by the executions that begin, or are resumed, from now on."""
    item = await context.manager.configuration.put(name, new.value, by=context.by)
    return JsonResponse(_config_item(item))


class ProviderContext(BaseModel):
    name: str
    context: dict[str, Any]


@router.get("/provider/context", response_model=rest.Context)
@requires(Permission.PROVIDER_CONTEXT_GET)
async def get_context(context: ContextDep) -> JsonResponse:
    """Return the provider context, which is empty until it is set."""
    kept = (await context.manager.store.read(kept_values.all_values)).get(_PROVIDER)
    return JsonResponse({"name": "cloudwright", "context": {}} if kept is None else kept.value)


@router.post(
    "/provider/context",
    response_model=rest.ContextSet,
    status_code=201,
    responses={200: {"model": rest.ContextSet}},
)
@requires(Permission.PROVIDER_CONTEXT_CREATE)
async def set_context(context: ContextDep, new: ProviderContext, update: bool = False) -> JsonResponse:
    """Set the provider context; ``update`` replaces the one that was set before."""
    store = context.manager.store
    if not update and _PROVIDER in await store.read(kept_values.all_values):
        raise Conflict("There is a provider context already; it is replaced with `update=true`.")
    value = {"name": new.name, "context": new.context}
    await store.write(kept_values.keep, _PROVIDER, value, context.by, context.manager.clock())
    return JsonResponse({"status": "ok"}, 200 if update else 201)


@router.get("/maintenance", response_model=rest.Maintenance)
@requires(Permission.MAINTENANCE_MODE_GET)
async def get_maintenance(context: ContextDep) -> JsonResponse:
    """Return the maintenance mode; `activating` while executions still run."""
    return await _maintenance(context)


@router.post("/maintenance/activate", response_model=rest.Maintenance, responses=_UNCHANGED)
@requires(Permission.MAINTENANCE_MODE_SET)
async def activate_maintenance(context: ContextDep) -> Response:
    """Start no execution, and refuse changes; 304 if the mode is on already."""
    changed = await context.manager.maintenance.activate(context.by)
    return await _maintenance(context) if changed else Response(status_code=304)


@router.post("/maintenance/deactivate", response_model=rest.Maintenance, responses=_UNCHANGED)
@requires(Permission.MAINTENANCE_MODE_SET)
async def deactivate_maintenance(context: ContextDep) -> Response:
    """End the maintenance mode, and start what waits; 304 if it is off."""
    changed = await context.manager.maintenance.deactivate()
    return await _maintenance(context) if changed else Response(status_code=304)


async def _maintenance(context: RequestContext) -> JsonResponse:
    state = await context.manager.maintenance.state()
    status = "deactivated"
    if state.requested_at is not None:
        status = "activating" if state.activated_at is None else "activated"
    remaining = [
        {
            "id": row.id,
            "status": str(row.status),
            "deployment_id": row.deployment_id,
            "workflow_id": row.workflow_id,
        }
        for row in state.remaining
    ]
    return JsonResponse(
        {
            "status": status,
            "activated_at": optional_timestamp(state.activated_at),
            "activation_requested_at": optional_timestamp(state.requested_at),
            "remaining_executions": remaining,
            "requested_by": state.requested_by,
        }
    )


def _config_item(item: ConfigItem) -> rest.ConfigItem:
    return {
        "name": item.name,
        "value": item.value,
        "scope": [item.scope],
        "schema": None if item.schema is None else dict(item.schema),
        "is_editable": item.schema is not None,
        "admin_only": False,
        "updated_at": optional_timestamp(item.changed.updated_at) if item.changed else None,
        "updater_name": item.changed.updated_by if item.changed else None,
    }
