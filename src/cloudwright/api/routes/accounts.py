"""Tokens, users and tenants."""

from __future__ import annotations

from fastapi import Response
from pydantic import BaseModel

from cloudwright.api import making, shapes
from cloudwright.api.answers import Json, listed
from cloudwright.api.asking import Asked, Asking, Listed
from cloudwright.api.bodies import routes_of
from cloudwright.api.times import expiration
from cloudwright.errors import Forbidden
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Token

router = routes_of("accounts")

_HIDDEN = "********"


class NewToken(BaseModel):
    """``expiration_date`` is a time, or how long from now: ``+10h``."""

    description: str | None = None
    expiration_date: str | None = None


@router.get("/tokens", response_model=shapes.Listed[shapes.Token])
async def list_tokens(asking: Asked, listing: Listed) -> Json:
    rows, total = await asking.manager.accounts.tokens(asking.principal, listing.page)
    return listed([await _token(asking, row) for row in rows], total, listing.page, listing.fields)


@router.post("/tokens", response_model=shapes.Token)
async def create_token(asking: Asked, new: NewToken) -> Json:
    """A new token of the user who asks. Its value is in this answer only."""
    expires_at = expiration(new.expiration_date, asking.manager.clock()) if new.expiration_date else None
    row, value = await asking.manager.accounts.create_token(asking.principal, new.description, expires_at)
    return Json(making.token(row, asking.principal.role, value))


@router.get("/tokens/{id}", response_model=shapes.Token)
async def get_token(asking: Asked, id: str) -> Json:
    return Json(await _token(asking, await asking.manager.accounts.token(asking.principal, id)))


@router.delete("/tokens/{id}", status_code=204)
async def delete_token(asking: Asked, id: str) -> Response:
    """The token is not accepted any more from the next request on."""
    await asking.manager.accounts.delete_token(asking.principal, id)
    return Response(status_code=204)


@router.get("/tenants", response_model=shapes.Listed[shapes.Tenant])
async def list_tenants(asking: Asked, listing: Listed) -> Json:
    rows, total = await asking.manager.accounts.tenants(listing.page)
    return listed((making.tenant(row) for row in rows), total, listing.page, listing.fields)


@router.get("/tenants/{name}", response_model=shapes.Tenant)
async def get_tenant(asking: Asked, name: str) -> Json:
    return Json(making.tenant(await asking.manager.accounts.tenant(name)))


@router.get("/user", response_model=shapes.User)
async def get_own_user(asking: Asked) -> Json:
    """The user who asks."""
    return Json(await _user(asking, asking.principal.username))


@router.get("/users/{username}", response_model=shapes.User)
async def get_user(asking: Asked, username: str) -> Json:
    if username != asking.principal.username and not asking.principal.is_admin:
        raise Forbidden("Only an administrator may look at other users.")
    return Json(await _user(asking, username))


async def _user(asking: Asking, username: str) -> shapes.User:
    user = await asking.manager.accounts.user(username)
    tenants, _ = await asking.manager.accounts.tenants(EVERYTHING)
    return making.user(user, [tenant.name for tenant in tenants])


async def _token(asking: Asking, row: Token) -> shapes.Token:
    user = await asking.manager.accounts.user(row.username)
    return making.token(row, user.role, _HIDDEN)
