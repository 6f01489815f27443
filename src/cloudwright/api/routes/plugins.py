"""Plugins: upload, list, download, delete."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response
from starlette.responses import FileResponse

from cloudwright.api import making, shapes
from cloudwright.api.answers import Json, listed, only
from cloudwright.api.asking import Asked, Fields, Listed, Visibility, check_fields, some
from cloudwright.api.bodies import routes_of
from cloudwright.api.receiving import PLUGIN_ARCHIVE, Details, received
from cloudwright.storage import plugins
from cloudwright.storage.filters import PluginFilter

router = routes_of("plugins", "/plugins")

_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}
}


@router.get("", response_model=shapes.Listed[shapes.Plugin])
async def list_plugins(
    asking: Asked,
    listing: Listed,
    id: Annotated[list[str] | None, Query()] = None,
    package_name: Annotated[list[str] | None, Query()] = None,
    package_version: Annotated[list[str] | None, Query()] = None,
) -> Json:
    check_fields(listing.fields, shapes.Plugin)
    filter = PluginFilter(
        tenant=listing.tenant(asking),
        ids=some(id),
        package_names=some(package_name),
        package_versions=some(package_version),
        search=listing.search,
    )
    page = listing.sorted_by(uploaded_at="created_at")
    rows, total = await asking.manager.store.read(plugins.list_plugins, filter, page)
    return listed((making.plugin(row) for row in rows), total, listing.page, listing.fields)


@router.get("/{id}", response_model=shapes.Plugin)
async def get_plugin(asking: Asked, id: str, fields: Fields) -> Json:
    check_fields(fields, shapes.Plugin)
    row = await asking.manager.store.read(plugins.get, asking.tenant, id)
    return Json(only(making.plugin(row), fields))


@router.post("", response_model=shapes.Plugin, status_code=201, openapi_extra=PLUGIN_ARCHIVE)
async def upload_plugin(
    request: Request,
    asking: Asked,
    title: str | None = None,
    visibility: Visibility = "tenant",
    plugin_archive_url: str | None = None,
) -> Json:
    """Store an archive of a `plugin.yaml` and its code: a wagon, a wheel, or a Python project."""
    said = Details(visibility=visibility, blueprint_archive_url=plugin_archive_url)
    manager = asking.manager
    async with received(request, said, manager.blueprints.incoming) as (archive, details):
        row = await manager.plugins.upload(
            asking.tenant, archive, by=asking.by, title=title, visibility=details.visibility
        )
    return Json(making.plugin(row), status_code=201)


@router.delete("/{id}", status_code=204)
async def delete_plugin(request: Request, asking: Asked, id: str, force: bool = False) -> Response:
    """Delete a plugin that no deployment needs, or, with ``force``, in any case.

    ``force`` may be in the body too, a JSON object, where some clients put it.
    """
    await asking.manager.plugins.delete(asking.tenant, id, force=force or await _forced(request))
    return Response(status_code=204)


@router.get("/{id}/archive", response_class=FileResponse, responses=_FILE)
async def download_plugin(asking: Asked, id: str) -> FileResponse:
    """The archive as it was uploaded."""
    file = await asking.manager.plugins.archive(asking.tenant, id)
    return FileResponse(file, media_type="application/octet-stream", filename=id)


@router.get("/{id}/yaml", response_class=FileResponse, responses=_FILE)
async def download_plugin_yaml(asking: Asked, id: str, dsl_version: str | None = None) -> FileResponse:
    """The plugin's `plugin.yaml`, or the one for a version of the language, where it has one."""
    file = await asking.manager.plugins.description(asking.tenant, id, dsl_version)
    return FileResponse(file, media_type="application/octet-stream", filename=file.name)


async def _forced(request: Request) -> bool:
    try:
        said = orjson.loads(await request.body() or b"{}")
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("force") is True
