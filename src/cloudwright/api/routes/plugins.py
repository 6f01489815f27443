"""Plugins: upload, list, download, delete."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

from cloudwright.api import serializers
from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import (
    ContextDep,
    FieldsDep,
    ListQueryDep,
    Visibility,
    check_fields,
    split_values,
)
from cloudwright.api.responses import JsonResponse, list_page, pick_fields
from cloudwright.api.routing import resource_router
from cloudwright.api.uploads import PLUGIN_BODY, ArchiveDetails, receive_archive
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage import plugins
from cloudwright.storage.filters import PluginFilter

router = resource_router("plugins", "/plugins")

# Types that browsers send to other sites without a preflight request.
_FORM_TYPES = frozenset({"text/plain", "multipart/form-data", "application/x-www-form-urlencoded"})
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}
}


@router.get("", response_model=rest.Page[rest.Plugin])
@requires(Permission.PLUGIN_LIST)
async def list_plugins(
    context: ContextDep,
    query: ListQueryDep,
    id: Annotated[list[str] | None, Query()] = None,
    package_name: Annotated[list[str] | None, Query()] = None,
    package_version: Annotated[list[str] | None, Query()] = None,
) -> JsonResponse:
    check_fields(query.fields, rest.Plugin)
    filter = PluginFilter(
        tenant=query.tenant(context),
        ids=split_values(id),
        package_names=split_values(package_name),
        package_versions=split_values(package_version),
        search=query.search,
    )
    page = query.sorted_page(uploaded_at="created_at")
    rows, total = await context.manager.store.read_page(plugins.list_plugins, filter, page)
    return list_page((serializers.plugin(row) for row in rows), total, query.page, query.fields)


@router.get("/{id}", response_model=rest.Plugin)
@requires(Permission.PLUGIN_GET)
async def get_plugin(context: ContextDep, id: str, fields: FieldsDep) -> JsonResponse:
    check_fields(fields, rest.Plugin)
    row = await context.manager.store.read(plugins.get, context.tenant, id)
    return JsonResponse(pick_fields(serializers.plugin(row), fields))


@router.post("", response_model=rest.Plugin, status_code=201, openapi_extra=PLUGIN_BODY)
@requires(Permission.PLUGIN_UPLOAD)
async def upload_plugin(
    request: Request,
    context: ContextDep,
    title: str | None = None,
    visibility: Visibility = "tenant",
    plugin_archive_url: str | None = None,
) -> JsonResponse:
    """Store an archive of a `plugin.yaml` and its code: a wagon, a wheel, or a Python project."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _FORM_TYPES:
        raise HTTPException(
            415,
            f"A plugin's archive is the body itself, not `{kind}`; send it as `application/octet-stream`.",
        )
    said = ArchiveDetails(visibility=visibility, blueprint_archive_url=plugin_archive_url)
    manager = context.manager
    async with receive_archive(request, said, manager.blueprints.incoming) as (archive, details):
        context.check_visibility(details.visibility)
        row = await manager.plugins.upload(
            context.tenant, archive, by=context.by, title=title, visibility=details.visibility
        )
    return JsonResponse(serializers.plugin(row), status_code=201)


@router.delete("/{id}", status_code=204)
@requires(Permission.PLUGIN_DELETE)
async def delete_plugin(request: Request, context: ContextDep, id: str, force: bool = False) -> Response:
    """Delete a plugin that no deployment needs, or, with ``force``, in any case.

    ``force`` may be in the body too, a JSON object, where some clients put it.
    """
    await context.manager.plugins.delete(context.tenant, id, force=force or await _forced(request))
    return Response(status_code=204)


@router.get("/{id}/archive", response_class=FileResponse, responses=_FILE)
@requires(Permission.PLUGIN_DOWNLOAD)
async def download_plugin(context: ContextDep, id: str) -> FileResponse:
    """Return the archive as it was uploaded."""
    file = await context.manager.plugins.archive(context.tenant, id)
    return FileResponse(file, media_type="application/octet-stream", filename=id)


@router.get("/{id}/yaml", response_class=FileResponse, responses=_FILE)
@requires(Permission.PLUGIN_DOWNLOAD)
async def download_plugin_yaml(context: ContextDep, id: str, dsl_version: str | None = None) -> FileResponse:
    """Return the plugin's `plugin.yaml`, or the one for a version of the language if there is one."""
    file = await context.manager.plugins.description(context.tenant, id, dsl_version)
    return FileResponse(file, media_type="application/octet-stream", filename=file.name)


async def _forced(request: Request) -> bool:
    try:
        said = orjson.loads(await request.body() or b"{}")
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("force") is True
