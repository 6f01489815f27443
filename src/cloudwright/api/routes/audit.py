"""The audit log: list and truncate."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import LARGEST, MAX_SIZE, ContextDep
from cloudwright.api.responses import JsonResponse, list_page, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.api.timestamps import optional_time, parse_time
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage import audit
from cloudwright.storage.audit import AuditRecord
from cloudwright.storage.paging import Page

router = resource_router("audit", "/audit")


@router.get("", response_model=rest.Page[rest.AuditRecord])
@requires(Permission.AUDIT_LOG_VIEW)
async def list_records(
    context: ContextDep,
    creator_name: str | None = None,
    execution_id: str | None = None,
    since: Annotated[str | None, Query(description="Changes at this time or later.")] = None,
    order_by: str | None = None,
    desc: bool = False,
    size: Annotated[int, Query(ge=0, le=MAX_SIZE, description=f"0 is {MAX_SIZE}.")] = 100,
    offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
) -> JsonResponse:
    """List what users changed, the oldest first."""
    page = Page(size or MAX_SIZE, offset, ((order_by or "created_at", desc),))
    rows, total = await context.manager.store.read_page(
        audit.list_records,
        page,
        creator_name=creator_name,
        execution_id=execution_id,
        since=optional_time(since, parse_time),
    )
    return list_page((_record(row) for row in rows), total, page)


@router.delete("", response_model=rest.Deleted)
@requires(Permission.AUDIT_LOG_TRUNCATE)
async def truncate(
    context: ContextDep,
    before: Annotated[str, Query(description="Changes before this time.")],
    creator_name: str | None = None,
    execution_id: str | None = None,
) -> JsonResponse:
    """Delete records of the audit log; that is recorded in it."""
    deleted = await context.manager.store.write(
        audit.truncate, parse_time(before), creator_name=creator_name, execution_id=execution_id
    )
    return JsonResponse({"deleted": deleted})


def _record(row: AuditRecord) -> rest.AuditRecord:
    return {
        "id": row.id,
        "ref_table": row.ref_table,
        "ref_id": row.ref_id,
        "ref_identifier": row.ref_identifier,
        "operation": row.operation,
        "action": row.action,
        "creator_name": row.creator_name,
        "execution_id": row.execution_id,
        "address": row.address,
        "created_at": timestamp(row.created_at),
    }
