"""Blueprints: upload, validate, list, download, delete."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel
from starlette.responses import FileResponse, StreamingResponse

from cloudwright.api import serializers
from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import (
    ContextDep,
    FieldsDep,
    ListQuery,
    ListQueryDep,
    RequestContext,
    Visibility,
    check_fields,
)
from cloudwright.api.labels import label_pairs
from cloudwright.api.list_filters import BlueprintFilterDep
from cloudwright.api.plans import stream_with_plan
from cloudwright.api.responses import JsonResponse, list_page, pick_fields
from cloudwright.api.routing import resource_router
from cloudwright.api.uploads import ARCHIVE_BODY, ArchiveDetails, receive_archive
from cloudwright.errors import InvalidInput
from cloudwright.manager import views
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage import blueprints
from cloudwright.storage.filters import BlueprintFilter

router = resource_router("blueprints", "/blueprints")

_PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST_ICON = 512 << 10


@router.get("", response_model=rest.Page[rest.Blueprint])
@requires(Permission.BLUEPRINT_LIST)
async def list_blueprints(
    context: ContextDep, query: ListQueryDep, filter: BlueprintFilterDep
) -> JsonResponse:
    return await blueprint_page(context, query, filter)


async def blueprint_page(context: RequestContext, query: ListQuery, filter: BlueprintFilter) -> JsonResponse:
    """Return a page of the blueprints that the filter leaves."""
    check_fields(query.fields, rest.Blueprint)
    wants_plan = "plan" in (query.fields or ())
    rows, total = await context.manager.store.read_page(
        views.list_blueprints, filter, query.page, with_plan=wants_plan
    )
    made = (serializers.blueprint(row, with_plan=wants_plan) for row in rows)
    return list_page(made, total, query.page, query.fields)


@router.get("/{id}", response_model=rest.Blueprint)
@requires(Permission.BLUEPRINT_GET)
async def get_blueprint(context: ContextDep, id: str, fields: FieldsDep) -> Response:
    check_fields(fields, rest.Blueprint)
    wants_plan = fields is None or "plan" in fields
    row = await context.manager.store.read(blueprints.get, context.tenant, id, with_plan=wants_plan)
    made = pick_fields(serializers.blueprint(row), fields)
    if not wants_plan:
        return JsonResponse(made)
    return StreamingResponse(stream_with_plan(made, row.plan), media_type="application/json")


@router.put("/{id}", response_model=rest.Blueprint, status_code=201, openapi_extra=ARCHIVE_BODY)
@requires(Permission.BLUEPRINT_UPLOAD)
async def upload_blueprint(
    request: Request,
    context: ContextDep,
    id: str,
    application_file_name: str | None = None,
    visibility: Visibility = "tenant",
    async_upload: bool = False,
    blueprint_archive_url: str | None = None,
) -> JsonResponse:
    """Store an archive as a blueprint. With ``async_upload`` the response does not wait for parsing.

    The response does not contain the plan.
    """
    said = ArchiveDetails(
        application_file_name=application_file_name,
        visibility=visibility,
        async_upload=async_upload,
        blueprint_archive_url=blueprint_archive_url,
    )
    service = context.manager.blueprints
    async with receive_archive(request, said, service.incoming) as (archive, details):
        context.check_visibility(details.visibility)
        row = await service.upload(
            context.tenant,
            id,
            archive,
            main_file=details.main_file,
            by=context.by,
            visibility=details.visibility,
            labels=label_pairs(details.labels),
            background=details.async_upload,
        )
    warnings = (row.plan or {}).get("warnings") or []
    return JsonResponse({**serializers.blueprint(row), "warnings": warnings}, status_code=201)


@router.put(
    "/{id}/validate",
    status_code=201,
    response_model=rest.Blueprint,
    responses={200: {"model": rest.Validation}},
    openapi_extra=ARCHIVE_BODY,
)
@requires(Permission.BLUEPRINT_UPLOAD)
async def validate_blueprint(
    request: Request,
    context: ContextDep,
    id: str,
    application_file_name: str | None = None,
    blueprint_archive_url: str | None = None,
    warnings: bool = False,
) -> Response:
    """Parse an archive without storing it.

    The response is a blueprint with the execution of its validation; with ``warnings``, the warnings of its
    text.
    """
    said = ArchiveDetails(
        application_file_name=application_file_name, blueprint_archive_url=blueprint_archive_url
    )
    service = context.manager.blueprints
    async with receive_archive(request, said, service.incoming) as (archive, details):
        found = await service.validate(
            context.tenant, id, archive, main_file=details.main_file, by=context.by
        )
    if warnings:
        return JsonResponse({"warnings": found.warnings})
    return JsonResponse(serializers.validated(context.tenant, id, found, context.by), status_code=201)


class Changes(BaseModel):
    """``creator`` is the user whose it is from now on, which only an administrator may say."""

    labels: list[dict[str, Any]] | None = None
    creator: str | None = None


@router.patch("/{id}", response_model=rest.Blueprint)
@requires(Permission.BLUEPRINT_UPLOAD)
async def update_blueprint(context: ContextDep, id: str, changes: Changes) -> JsonResponse:
    """Replace the labels, or give the blueprint to another user."""
    if changes.labels is None and changes.creator is None:
        raise InvalidInput("Give the `labels` of the blueprint, or its `creator`.")
    if changes.creator is not None:
        await context.give("blueprints", id, changes.creator)
    service = context.manager.blueprints
    if changes.labels is not None:
        await service.set_labels(context.tenant, id, label_pairs(changes.labels), by=context.by)
    row = await context.manager.store.read(blueprints.get, context.tenant, id)
    return JsonResponse(serializers.blueprint(row))


@router.delete("/{id}", status_code=204)
@requires(Permission.BLUEPRINT_DELETE)
async def delete_blueprint(context: ContextDep, id: str, force: bool = False) -> Response:
    """Delete a blueprint that no deployment uses and, unless with ``force``, no other blueprint imports."""
    await context.manager.blueprints.delete(context.tenant, id, force=force)
    return Response(status_code=204)


@router.get(
    "/{id}/archive",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}},
)
@requires(Permission.BLUEPRINT_DOWNLOAD)
async def download_blueprint(context: ContextDep, id: str) -> FileResponse:
    """Return the archive as it was uploaded."""
    file, ending = await context.manager.blueprints.archive(context.tenant, id)
    return FileResponse(file, media_type="application/octet-stream", filename=f"{id}{ending}")


@router.patch(
    "/{id}/icon",
    response_model=rest.Blueprint,
    openapi_extra={"requestBody": {"content": {"image/png": {"schema": {"type": "string"}}}}},
)
@requires(Permission.BLUEPRINT_UPLOAD)
async def set_icon(request: Request, context: ContextDep, id: str) -> JsonResponse:
    """Keep a PNG image of at most 512 KiB as the blueprint's icon; an empty body removes it."""
    png = bytearray()
    async for part in request.stream():
        png += part
        if len(png) > _LARGEST_ICON:
            raise InvalidInput(f"An icon has at most {_LARGEST_ICON} bytes.")
    if png and not png.startswith(_PNG):
        raise InvalidInput("The icon is not a PNG image.")
    await context.manager.store.write(blueprints.set_icon, context.tenant, id, bytes(png) or None)
    row = await context.manager.store.read(blueprints.get, context.tenant, id)
    return JsonResponse(serializers.blueprint(row))


@router.get(
    "/{id}/icon",
    response_class=Response,
    responses={200: {"content": {"image/png": {"schema": {"type": "string"}}}}},
)
@requires(Permission.BLUEPRINT_GET)
async def get_icon(context: ContextDep, id: str) -> Response:
    png = await context.manager.store.read(blueprints.get_icon, context.tenant, id)
    return Response(png, media_type="image/png")
