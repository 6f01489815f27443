"""Blueprints: upload, validate, list, download, delete."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel
from starlette.responses import FileResponse, StreamingResponse

from cloudwright.api import making, reading, shapes
from cloudwright.api.answers import Json, listed, only
from cloudwright.api.asking import Asked, Fields, Listed, Visibility, check_fields, some
from cloudwright.api.bodies import routes_of
from cloudwright.api.labels import label_pairs
from cloudwright.api.plans import with_plan
from cloudwright.api.receiving import ARCHIVE, Details, received
from cloudwright.storage import blueprints
from cloudwright.storage.filters import BlueprintFilter

router = routes_of("blueprints", "/blueprints")


@router.get("", response_model=shapes.Listed[shapes.Blueprint])
async def list_blueprints(
    asking: Asked,
    listing: Listed,
    id: Annotated[list[str] | None, Query()] = None,
    state: Annotated[list[str] | None, Query()] = None,
    created_by: str | None = None,
) -> Json:
    check_fields(listing.fields, shapes.Blueprint)
    wants_plan = "plan" in (listing.fields or ())
    filter = BlueprintFilter(
        tenant=listing.tenant(asking),
        ids=some(id),
        states=some(state),
        created_by=created_by,
        search=listing.search,
    )
    rows, total = await asking.manager.store.read(
        reading.list_blueprints, filter, listing.page, with_plan=wants_plan
    )
    made = (making.blueprint(row, with_plan=wants_plan) for row in rows)
    return listed(made, total, listing.page, listing.fields)


@router.get("/{id}", response_model=shapes.Blueprint)
async def get_blueprint(asking: Asked, id: str, fields: Fields) -> Response:
    check_fields(fields, shapes.Blueprint)
    wants_plan = fields is None or "plan" in fields
    row = await asking.manager.store.read(blueprints.get, asking.tenant, id, with_plan=wants_plan)
    made = only(making.blueprint(row), fields)
    if not wants_plan:
        return Json(made)
    return StreamingResponse(with_plan(made, row.plan), media_type="application/json")


@router.put("/{id}", response_model=shapes.Blueprint, status_code=201, openapi_extra=ARCHIVE)
async def upload_blueprint(
    request: Request,
    asking: Asked,
    id: str,
    application_file_name: str | None = None,
    visibility: Visibility = "tenant",
    async_upload: bool = False,
    blueprint_archive_url: str | None = None,
) -> Json:
    """Store an archive as a blueprint. With ``async_upload`` the answer does not wait until it is parsed.

    The answer is without the plan.
    """
    said = Details(
        application_file_name=application_file_name,
        visibility=visibility,
        async_upload=async_upload,
        blueprint_archive_url=blueprint_archive_url,
    )
    service = asking.manager.blueprints
    async with received(request, said, service.incoming) as (archive, details):
        row = await service.upload(
            asking.tenant,
            id,
            archive,
            main_file=details.main_file,
            by=asking.by,
            visibility=details.visibility,
            labels=label_pairs(details.labels),
            background=details.async_upload,
        )
    warnings = (row.plan or {}).get("warnings") or []
    return Json({**making.blueprint(row), "warnings": warnings}, status_code=201)


@router.put(
    "/{id}/validate",
    status_code=204,
    response_class=Response,
    responses={200: {"model": shapes.Validation}},
    openapi_extra=ARCHIVE,
)
async def validate_blueprint(
    request: Request,
    asking: Asked,
    id: str,
    application_file_name: str | None = None,
    blueprint_archive_url: str | None = None,
    warnings: bool = False,
) -> Response:
    """Read an archive as an upload would, and keep nothing of it. With ``warnings`` they are the answer."""
    said = Details(application_file_name=application_file_name, blueprint_archive_url=blueprint_archive_url)
    service = asking.manager.blueprints
    async with received(request, said, service.incoming) as (archive, details):
        found = await service.validate(asking.tenant, archive, main_file=details.main_file)
    return Json({"warnings": found}) if warnings else Response(status_code=204)


class Changes(BaseModel):
    labels: list[dict[str, Any]]


@router.patch("/{id}", response_model=shapes.Blueprint)
async def update_blueprint(asking: Asked, id: str, changes: Changes) -> Json:
    """Replace the labels."""
    row = await asking.manager.blueprints.set_labels(
        asking.tenant, id, label_pairs(changes.labels), by=asking.by
    )
    return Json(making.blueprint(row))


@router.delete("/{id}", status_code=204)
async def delete_blueprint(asking: Asked, id: str, force: bool = False) -> Response:
    """Delete a blueprint that no deployment uses and, unless with ``force``, no other blueprint imports."""
    await asking.manager.blueprints.delete(asking.tenant, id, force=force)
    return Response(status_code=204)


@router.get(
    "/{id}/archive",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}},
)
async def download_blueprint(asking: Asked, id: str) -> FileResponse:
    """The archive as it was uploaded."""
    file, ending = await asking.manager.blueprints.archive(asking.tenant, id)
    return FileResponse(file, media_type="application/octet-stream", filename=f"{id}{ending}")
