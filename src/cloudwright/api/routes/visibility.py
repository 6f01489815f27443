"""Who sees a blueprint, a plugin or a deployment: widened after it was made."""

from __future__ import annotations

from pydantic import BaseModel

from cloudwright.api import serializers
from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, RequestContext, Visibility
from cloudwright.api.responses import JsonResponse
from cloudwright.api.routing import resource_router
from cloudwright.manager import views
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage import blueprints, plugins, visibility

router = resource_router("visibility")


class NewVisibility(BaseModel):
    """`tenant` or `global`; what more users see already stays so."""

    visibility: Visibility


@router.patch("/blueprints/{id}/set-visibility", response_model=rest.Blueprint)
@requires(Permission.RESOURCE_SET_VISIBILITY)
async def set_visibility_of_blueprint(context: ContextDep, id: str, new: NewVisibility) -> JsonResponse:
    await _widen(context, "blueprints", id, new.visibility)
    row = await context.manager.store.read(blueprints.get, context.tenant, id)
    return JsonResponse(serializers.blueprint(row))


@router.patch("/plugins/{id}/set-visibility", response_model=rest.Plugin)
@requires(Permission.RESOURCE_SET_VISIBILITY)
async def set_visibility_of_plugin(context: ContextDep, id: str, new: NewVisibility) -> JsonResponse:
    await _widen(context, "plugins", id, new.visibility)
    row = await context.manager.store.read(plugins.get, context.tenant, id)
    return JsonResponse(serializers.plugin(row))


@router.patch("/deployments/{id}/set-visibility", response_model=rest.Deployment)
@requires(Permission.DEPLOYMENT_SET_VISIBILITY)
async def set_visibility_of_deployment(context: ContextDep, id: str, new: NewVisibility) -> JsonResponse:
    await _widen(context, "deployments", id, new.visibility)
    view = await context.manager.store.read(views.get_deployment, context.tenant, id)
    return JsonResponse(serializers.deployment(view))


async def _widen(context: RequestContext, noun: str, id: str, wanted: str) -> None:
    context.check_visibility(wanted)
    await context.manager.store.write(visibility.widen, context.tenant, noun, id, wanted)
