"""Secrets exported and imported, and the providers that do not exist."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel

from cloudwright.api.authorization import authorize, requires
from cloudwright.api.dependencies import ContextDep, RequestContext, Visibility
from cloudwright.api.responses import JsonResponse, optional_timestamp
from cloudwright.api.routes.secrets import NoProviders
from cloudwright.api.routing import resource_router
from cloudwright.errors import CloudwrightError
from cloudwright.manager.secret_sharing import export_secrets, import_secrets
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage.filters import SecretFilter
from cloudwright.storage.records import Secret

router = resource_router("secrets")

_NO_PROVIDERS = (
    "There are no providers of secrets: this manager keeps values itself, encrypted in its database. Create "
    "the secret with `PUT /secrets/KEY`; a plugin's operation may read another store by itself."
)


class Export(BaseModel):
    """``passphrase`` is what the values are encrypted with; without one they are not."""

    passphrase: str | None = None
    visibility: Visibility | None = None
    search: str | None = None
    all_tenants: bool = False
    include_metadata: bool = False


class Import(BaseModel):
    """``tenant_map`` has the tenants to create secrets in by those that they come from."""

    secrets_list: list[dict[str, Any]]
    tenant_map: dict[str, str] | None = None
    passphrase: str | None = None
    override_collisions: bool = False


@router.get("/secrets/share/export", response_model=list[rest.ExportedSecret])
@requires(Permission.SECRET_EXPORT)
async def export_by_query(
    context: ContextDep,
    _passphrase: Annotated[str | None, Query(description="Better in the body of a POST.")] = None,
    visibility: Visibility | None = None,
    _search: str | None = None,
    _all_tenants: bool = False,
    _include_metadata: bool = False,
) -> JsonResponse:
    """As `POST /secrets/share/export`, for clients of Cloudify: a passphrase in a URL may be logged."""
    wanted = Export(
        passphrase=_passphrase,
        visibility=visibility,
        search=_search,
        all_tenants=_all_tenants,
        include_metadata=_include_metadata,
    )
    return await _export(context, wanted)


@router.post("/secrets/share/export", response_model=list[rest.ExportedSecret])
@requires(Permission.SECRET_EXPORT)
async def export(context: ContextDep, wanted: Export) -> JsonResponse:
    """Return secrets with their values: those whose values the user may see."""
    return await _export(context, wanted)


@router.post("/secrets/share/import", response_model=rest.ImportedSecrets)
@requires(Permission.SECRET_IMPORT)
async def import_(context: ContextDep, given: Import) -> JsonResponse:
    """Create the secrets of an export. What is wrong with one of them does not keep the others out."""

    async def why_not(tenant: str) -> str | None:
        try:
            authorize(context.principal, Permission.SECRET_IMPORT, tenant)
            await context.manager.accounts.check_tenant(context.principal, tenant)
        except CloudwrightError as error:
            return str(error)
        return None

    manager = context.manager
    done = await import_secrets(
        manager.store,
        manager.secrets,
        context.viewer,
        given.secrets_list,
        manager.clock(),
        why_not=why_not,
        passphrase=given.passphrase,
        tenant_map=given.tenant_map,
        override=given.override_collisions,
    )
    return JsonResponse({"colliding_secrets": done.colliding, "secrets_errors": done.errors})


@router.get("/secrets-providers", status_code=400, response_model=rest.ErrorBody)
@router.put("/secrets-providers", status_code=400, response_model=rest.ErrorBody)
@requires(Permission.SECRETS_PROVIDER_LIST)
async def refuse_providers(_context: ContextDep) -> Response:
    """Refused: there are no providers."""
    raise NoProviders(_NO_PROVIDERS)


@router.get("/secrets-providers/{name}", status_code=400, response_model=rest.ErrorBody)
@router.patch("/secrets-providers/{name}", status_code=400, response_model=rest.ErrorBody)
@router.delete("/secrets-providers/{name}", status_code=400, response_model=rest.ErrorBody)
@requires(Permission.SECRETS_PROVIDER_GET)
async def refuse_provider(_context: ContextDep, name: str) -> Response:
    """Refused: there are no providers."""
    raise NoProviders(_NO_PROVIDERS)


async def _export(context: RequestContext, wanted: Export) -> JsonResponse:
    if wanted.all_tenants:
        authorize(context.principal, Permission.ALL_TENANTS, context.tenant)
    filter = SecretFilter(
        tenant=None if wanted.all_tenants else context.tenant,
        search=wanted.search or None,
        visibilities=None if wanted.visibility is None else [wanted.visibility],
    )
    manager = context.manager
    found = await export_secrets(manager.store, manager.secrets, context.viewer, filter, wanted.passphrase)
    return JsonResponse([_exported(secret, value, wanted) for secret, value in found])


def _exported(secret: Secret, value: Any, wanted: Export) -> rest.ExportedSecret:
    made: rest.ExportedSecret = {
        "key": secret.key,
        "value": value,
        "visibility": secret.visibility,
        "tenant_name": secret.tenant,
        "is_hidden_value": secret.is_hidden_value,
        "encrypted": bool(wanted.passphrase),
    }
    if secret.json_schema is not None:
        made["schema"] = secret.json_schema
    if wanted.include_metadata:
        made["creator"] = secret.created_by
        made["created_at"] = optional_timestamp(secret.created_at)
        made["updated_at"] = optional_timestamp(secret.updated_at)
    return made
