"""Snapshots: create, download, upload, restore, delete."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel
from starlette.responses import FileResponse

from cloudwright.api import serializers
from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, FieldsDep, ListQueryDep, check_fields
from cloudwright.api.responses import JsonResponse, list_page, pick_fields, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.api.timestamps import parse_time
from cloudwright.api.uploads import ARCHIVE_BODY, ArchiveDetails, receive_archive
from cloudwright.errors import InvalidInput
from cloudwright.manager.snapshots import Snapshot
from cloudwright.model import rest
from cloudwright.model.permissions import Permission

router = resource_router("snapshots")


class NewSnapshot(BaseModel):
    """``include_events`` and ``include_logs`` are of executions. The others are accepted for Cloudify's
    clients: the accounts are always in it, and nothing is queued.
    """

    include_events: bool = True
    include_logs: bool = True
    include_credentials: bool = True
    queue: bool = False
    tempdir_path: str | None = None
    legacy: bool = True
    listener_timeout: float | None = None


class Restore(BaseModel):
    """``force`` replaces blueprints and deployments that there are."""

    force: bool = False
    restore_certificates: bool = False
    no_reboot: bool = False
    ignore_plugin_failure: bool = False


@router.get("/snapshots", response_model=rest.Page[rest.Snapshot])
@requires(Permission.SNAPSHOT_LIST)
async def list_snapshots(context: ContextDep, query: ListQueryDep) -> JsonResponse:
    check_fields(query.fields, rest.Snapshot)
    found = await asyncio.to_thread(context.manager.snapshots.list)
    wanted = (query.search or "").lower()
    items: list[dict[str, Any]] = [_record(row) for row in found if wanted in row.id.lower()]
    for name, descending in reversed(query.page.sort):
        if name not in rest.Snapshot.__annotations__:
            raise InvalidInput(f"The list cannot be sorted by `{name[:200]}`.")
        items.sort(key=lambda item: str(item[name]), reverse=descending)
    page = query.page
    size = len(items) if page.size is None else page.size
    return list_page(items[page.offset : page.offset + size], len(items), page, query.fields)


@router.get("/snapshots/{id}", response_model=rest.Snapshot)
@requires(Permission.SNAPSHOT_GET)
async def get_snapshot(context: ContextDep, id: str, fields: FieldsDep) -> JsonResponse:
    check_fields(fields, rest.Snapshot)
    return JsonResponse(pick_fields(_record(context.manager.snapshots.get(id)), fields))


@router.put("/snapshots/{id}", response_model=rest.Execution, status_code=201)
@requires(Permission.SNAPSHOT_CREATE)
async def create_snapshot(context: ContextDep, id: str, new: NewSnapshot) -> JsonResponse:
    """Begin to make a snapshot, and return its execution. Refused while executions run."""
    work = await context.manager.snapshots.create(
        id,
        tenant=context.tenant,
        by=context.by,
        with_events=new.include_events,
        with_logs=new.include_logs,
    )
    return JsonResponse(serializers.snapshot_work(work), 201)


@router.post("/snapshots/{id}/restore", response_model=rest.Execution)
@requires(Permission.SNAPSHOT_RESTORE)
async def restore_snapshot(context: ContextDep, id: str, wanted: Restore) -> JsonResponse:
    """Begin to put the data of a snapshot in the place of the manager's, and return the execution."""
    if wanted.restore_certificates:
        raise InvalidInput("There are no certificates in snapshots: `cloudwright up --tls-cert` names them.")
    work = await context.manager.snapshots.restore(
        id, tenant=context.tenant, by=context.by, force=wanted.force
    )
    return JsonResponse(serializers.snapshot_work(work))


@router.put(
    "/snapshots/{id}/archive", response_model=rest.Snapshot, status_code=201, openapi_extra=ARCHIVE_BODY
)
@requires(Permission.SNAPSHOT_UPLOAD)
async def upload_snapshot(
    request: Request, context: ContextDep, id: str, snapshot_archive_url: str | None = None
) -> JsonResponse:
    """Keep the file of a snapshot; one that is cut off, damaged or of a newer version is refused."""
    service = context.manager.snapshots
    said = ArchiveDetails(blueprint_archive_url=snapshot_archive_url)
    async with receive_archive(request, said, service.incoming) as (archive, _):
        made = await service.upload(id, archive, tenant=context.tenant, by=context.by)
    return JsonResponse(_record(made), 201)


@router.get(
    "/snapshots/{id}/archive",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}},
)
@requires(Permission.SNAPSHOT_DOWNLOAD)
async def download_snapshot(context: ContextDep, id: str) -> FileResponse:
    file = context.manager.snapshots.file(id)
    return FileResponse(file, media_type="application/octet-stream", filename=f"{id}.zip")


@router.delete("/snapshots/{id}", status_code=204)
@requires(Permission.SNAPSHOT_DELETE)
async def delete_snapshot(context: ContextDep, id: str) -> Response:
    await asyncio.to_thread(context.manager.snapshots.delete, id)
    return Response(status_code=204)


@router.get("/snapshot-status", response_model=rest.SnapshotStatus)
@requires(Permission.SNAPSHOT_GET)
async def get_status(context: ContextDep) -> JsonResponse:
    """Return whether a snapshot is being restored: `running` or `not-running`."""
    return JsonResponse({"status": "running" if context.manager.snapshots.is_restoring else "not-running"})


def _record(row: Snapshot) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "error": row.error,
        "created_at": timestamp(parse_time(row.created_at)),
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": "private",
    }
