"""Sites: create, list, change, delete."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, ListQueryDep, Visibility, check_fields, split_values
from cloudwright.api.responses import JsonResponse, list_page, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.manager.identifiers import check_id
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage import sites
from cloudwright.storage.sites import Site

router = resource_router("sites", "/sites")

_DEGREES = r"[+-]?\d{1,3}(?:\.\d{1,20})?"
_LOCATION = re.compile(rf"\s*({_DEGREES})\s*,\s*({_DEGREES})\s*", re.ASCII)


class NewSite(BaseModel):
    """``location`` is `LATITUDE,LONGITUDE`, in degrees."""

    location: str | None = None
    visibility: Visibility = "tenant"


class SiteChanges(BaseModel):
    """An empty ``location`` removes it."""

    location: str | None = None
    visibility: Visibility | None = None
    new_name: str | None = None


@router.get("", response_model=rest.Page[rest.Site])
@requires(Permission.SITE_LIST)
async def list_sites(
    context: ContextDep, query: ListQueryDep, name: Annotated[list[str] | None, Query()] = None
) -> JsonResponse:
    check_fields(query.fields, rest.Site)
    rows, total = await context.manager.store.read_page(
        sites.list_sites, query.tenant(context), split_values(name), query.search, query.page
    )
    return list_page((_site(row) for row in rows), total, query.page, query.fields)


@router.get("/{name}", response_model=rest.Site)
@requires(Permission.SITE_GET)
async def get_site(context: ContextDep, name: str) -> JsonResponse:
    return JsonResponse(_site(await context.manager.store.read(sites.get, context.tenant, name)))


@router.put("/{name}", response_model=rest.Site)
@requires(Permission.SITE_CREATE)
async def create_site(context: ContextDep, name: str, new: NewSite) -> JsonResponse:
    check_id("site", name)
    context.check_visibility(new.visibility)
    site = Site(
        name=name,
        tenant=context.tenant,
        location=_location(new.location),
        visibility=new.visibility,
        created_by=context.by,
        created_at=context.manager.clock(),
    )
    return JsonResponse(_site(await context.manager.store.write(sites.create, site)))


@router.post("/{name}", response_model=rest.Site)
@requires(Permission.SITE_UPDATE)
async def update_site(context: ContextDep, name: str, new: SiteChanges) -> JsonResponse:
    """Change a site; its deployments follow a new name."""
    context.check_visibility(new.visibility)
    changes: dict[str, str | None] = {}
    if new.location is not None:
        changes["location"] = _location(new.location)
    if new.visibility is not None:
        changes["visibility"] = new.visibility
    if new.new_name is not None:
        check_id("site", new.new_name)
        changes["name"] = new.new_name
    return JsonResponse(_site(await context.manager.store.write(sites.change, context.tenant, name, changes)))


@router.delete("/{name}", status_code=204)
@requires(Permission.SITE_DELETE)
async def delete_site(context: ContextDep, name: str) -> Response:
    """Delete a site; its deployments belong to no site then."""
    await context.manager.store.write(sites.delete, context.tenant, name)
    return Response(status_code=204)


def _location(text: str | None) -> str | None:
    """Return the location as it is stored. Raises InvalidInput."""
    if not text:
        return None
    found = _LOCATION.fullmatch(text)
    if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
        raise InvalidInput(
            f"`{text[:100]}` is not a location; write its latitude and longitude in degrees, as in"
            " `32.166369,34.810893`."
        )
    return f"{found[1]},{found[2]}"


def _site(row: Site) -> rest.Site:
    return {
        "name": row.name,
        "location": row.location,
        "created_at": timestamp(row.created_at),
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": row.visibility,
    }
