"""Tokens."""

from __future__ import annotations

from fastapi import Response
from pydantic import BaseModel

from cloudwright.api import serializers
from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, ListQueryDep, RequestContext
from cloudwright.api.responses import JsonResponse, list_page
from cloudwright.api.routing import resource_router
from cloudwright.api.timestamps import parse_expiration
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage.records import Token

router = resource_router("tokens")

_HIDDEN = "********"


class NewToken(BaseModel):
    """``expiration_date`` is a time, or how long from now: ``+10h``."""

    description: str | None = None
    expiration_date: str | None = None


@router.get("/tokens", response_model=rest.Page[rest.Token])
@requires(Permission.LIST_TOKEN)
async def list_tokens(context: ContextDep, query: ListQueryDep) -> JsonResponse:
    rows, total = await context.manager.accounts.tokens(context.principal, query.page)
    return list_page([await _token(context, row) for row in rows], total, query.page, query.fields)


@router.post("/tokens", response_model=rest.Token)
@requires(Permission.CREATE_TOKEN)
async def create_token(context: ContextDep, new: NewToken) -> JsonResponse:
    """Create a token for the current user. Only this response contains its value."""
    expires_at = (
        parse_expiration(new.expiration_date, context.manager.clock()) if new.expiration_date else None
    )
    row, value = await context.manager.accounts.create_token(context.principal, new.description, expires_at)
    return JsonResponse(serializers.token(row, context.principal.role, value))


@router.get("/tokens/{id}", response_model=rest.Token)
@requires(Permission.TOKEN_GET)
async def get_token(context: ContextDep, id: str) -> JsonResponse:
    return JsonResponse(await _token(context, await context.manager.accounts.token(context.principal, id)))


@router.delete("/tokens/{id}", status_code=204)
@requires(Permission.DELETE_TOKEN)
async def delete_token(context: ContextDep, id: str) -> Response:
    """Delete a token; the next request with it is refused."""
    await context.manager.accounts.delete_token(context.principal, id)
    return Response(status_code=204)


async def _token(context: RequestContext, row: Token) -> rest.Token:
    user = await context.manager.accounts.user(row.username)
    return serializers.token(row, user.role, _HIDDEN)
