"""Plugins: upload, list, download, delete."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response
from pydantic import BaseModel
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
from cloudwright.errors import IllegalAction, InvalidInput
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage import plugins
from cloudwright.storage.filters import PluginFilter
from cloudwright.storage.records import Plugin
from cloudwright.storage.store import Connection

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


class PluginChanges(BaseModel):
    """``creator`` is the user whose it is from now on, which only an administrator may say. Labels and tags
    are refused: the plugin's own file says them.
    """

    creator: str | None = None
    title: str | None = None
    labels: Any = None
    blueprint_labels: Any = None
    resource_tags: Any = None


@router.patch("/{id}", response_model=rest.Plugin)
@requires(Permission.PLUGIN_UPLOAD)
async def update_plugin(context: ContextDep, id: str, changes: PluginChanges) -> JsonResponse:
    """Give the plugin to another user, or change its title."""
    store = context.manager.store
    await store.read(plugins.get, context.tenant, id)
    given = changes.model_dump(exclude_unset=True)
    if own := sorted({"labels", "blueprint_labels", "resource_tags"} & given.keys()):
        raise IllegalAction(
            f"`{own[0]}` of a plugin is what its `plugin.yaml` says. Upload a new version of the plugin."
        )
    if changes.creator is None and changes.title is None:
        raise InvalidInput("Give the `creator` of the plugin, or its `title`.")
    if changes.creator is not None:
        await context.give("plugins", id, changes.creator)
    if changes.title is not None:
        await store.write(_set_title, context.tenant, id, changes.title)
    return JsonResponse(serializers.plugin(await store.read(plugins.get, context.tenant, id)))


@router.post("/{id}", response_model=rest.Plugin)
@requires(Permission.PLUGIN_UPLOAD)
async def install_plugin(context: ContextDep, id: str) -> JsonResponse:
    """Refused: a plugin is installed when something that needs it is about to run."""
    await context.manager.store.read(plugins.get, context.tenant, id)
    raise IllegalAction(
        "A plugin is installed by itself, on the manager and on agents, before the first operation that"
        " needs it. There is nothing to do."
    )


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


def _set_title(conn: Connection, tenant: str, id: str, title: str) -> Plugin:
    return plugins.update(conn, tenant, id, title=title)
