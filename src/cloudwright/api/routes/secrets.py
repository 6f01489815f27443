"""Secrets: only the request for one of them, and an export, return values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import (
    ContextDep,
    ListQuery,
    ListQueryDep,
    RequestContext,
    Visibility,
    check_fields,
    split_values,
)
from cloudwright.api.responses import JsonResponse, list_page, optional_timestamp
from cloudwright.api.routing import resource_router
from cloudwright.errors import IllegalAction
from cloudwright.model import rest
from cloudwright.model.filter_rules import FilterRule
from cloudwright.model.permissions import Permission
from cloudwright.storage import secrets
from cloudwright.storage.filters import SecretFilter
from cloudwright.storage.records import Secret
from cloudwright.storage.visibility import PRIVATE

router = resource_router("secrets", "/secrets")


class NoProviders(IllegalAction):
    """Values are in this manager's database, and nowhere else."""

    code = "unsupported_secrets_provider_error"


class NewSecret(BaseModel):
    """``value`` is a text, or what ``schema``, a JSON schema, allows."""

    model_config = ConfigDict(populate_by_name=True)

    value: Any = None
    update_if_exists: bool = False
    is_hidden_value: bool = False
    visibility: Visibility = "tenant"
    json_schema: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    provider_name: str | None = None
    provider_options: Any = None


class SecretChanges(BaseModel):
    """``creator`` is a user's name."""

    value: Any = None
    visibility: Visibility | None = None
    is_hidden_value: bool | None = None
    creator: str | None = None
    provider_name: str | None = None
    provider_options: Any = None


class NewVisibility(BaseModel):
    visibility: Visibility


@router.get("", response_model=rest.Page[rest.Secret])
@requires(Permission.SECRET_LIST)
async def list_secrets(
    context: ContextDep,
    query: ListQueryDep,
    key: Annotated[list[str] | None, Query()] = None,
    visibility: Annotated[list[str] | None, Query()] = None,
) -> JsonResponse:
    """List secrets, without their values: those of the tenant, and those that are global."""
    return await secret_page(context, query, key, visibility)


async def secret_page(
    context: RequestContext,
    query: ListQuery,
    key: list[str] | None,
    visibility: list[str] | None,
    rules: Sequence[FilterRule] = (),
) -> JsonResponse:
    """Return a page of the secrets that have these keys and fulfil the rules."""
    check_fields(query.fields, rest.Secret)
    filter = _filter(context, query, key, visibility, rules)
    page = query.sorted_page(tenant_name="tenant")
    rows, total = await context.manager.store.read_page(secrets.list_secrets, filter, page)
    return list_page(map(record, rows), total, query.page, query.fields)


@router.get("/{key}", response_model=rest.Secret)
@requires(Permission.SECRET_GET)
async def get_secret(context: ContextDep, key: str) -> JsonResponse:
    """Return a secret with its value, which is an empty text if it is hidden from the user."""
    secret, value = await context.manager.secrets.get(context.viewer, context.tenant, key)
    return JsonResponse({**record(secret), "value": value})


@router.put("/{key}", response_model=rest.Secret)
@requires(Permission.SECRET_CREATE)
async def create_secret(context: ContextDep, key: str, new: NewSecret) -> JsonResponse:
    _refuse_providers(new.provider_name)
    secret = await context.manager.secrets.create(
        context.viewer,
        context.tenant,
        key,
        "" if new.value is None else new.value,
        update_if_exists=new.update_if_exists,
        visibility=new.visibility,
        is_hidden_value=new.is_hidden_value,
        json_schema=new.json_schema,
    )
    return JsonResponse(record(secret))


@router.patch("/{key}", response_model=rest.Secret)
@requires(Permission.SECRET_UPDATE)
async def update_secret(context: ContextDep, key: str, changes: SecretChanges) -> JsonResponse:
    """Change what is given."""
    _refuse_providers(changes.provider_name)
    if changes.creator is not None:
        await context.manager.accounts.user(changes.creator)
    secret = await context.manager.secrets.update(
        context.viewer,
        context.tenant,
        key,
        value=changes.value,
        visibility=changes.visibility,
        is_hidden_value=changes.is_hidden_value,
        created_by=changes.creator,
    )
    return JsonResponse(record(secret))


@router.patch("/{key}/set-visibility", response_model=rest.Secret)
@requires(Permission.RESOURCE_SET_VISIBILITY)
async def set_visibility(context: ContextDep, key: str, new: NewVisibility) -> JsonResponse:
    secret = await context.manager.secrets.update(
        context.viewer, context.tenant, key, visibility=new.visibility
    )
    return JsonResponse(record(secret))


@router.delete("/{key}", status_code=204)
@requires(Permission.SECRET_DELETE)
async def delete_secret(context: ContextDep, key: str) -> Response:
    await context.manager.secrets.delete(context.viewer, context.tenant, key)
    return Response(status_code=204)


def record(secret: Secret) -> rest.Secret:
    """Return what is shown of a secret, without its value."""
    return {
        "key": secret.key,
        "is_hidden_value": secret.is_hidden_value,
        "schema": secret.json_schema,
        "created_at": optional_timestamp(secret.created_at),
        "updated_at": optional_timestamp(secret.updated_at),
        "provider_name": None,
        "provider_options": None,
        "private_resource": secret.visibility == PRIVATE,
        "resource_availability": secret.visibility,
        "tenant_name": secret.tenant,
        "created_by": secret.created_by,
        "visibility": secret.visibility,
    }


def _filter(
    context: RequestContext,
    query: ListQuery,
    keys: list[str] | None,
    visibilities: list[str] | None,
    rules: Sequence[FilterRule],
) -> SecretFilter:
    return SecretFilter(
        tenant=query.tenant(context),
        keys=split_values(keys),
        search=query.search,
        visibilities=split_values(visibilities),
        rules=rules,
    )


def _refuse_providers(name: str | None) -> None:
    if name is not None:
        raise NoProviders(
            f"Secrets cannot be kept by the provider `{name}`: this manager keeps their values itself, "
            "encrypted in its database."
        )
