"""The labels that deployments and blueprints have: their keys, and the values of a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, ListQueryDep
from cloudwright.api.responses import JsonResponse, text_page
from cloudwright.api.routing import resource_router
from cloudwright.model import rest
from cloudwright.model.labels import RESERVED_KEYS
from cloudwright.model.permissions import Permission
from cloudwright.storage import labels
from cloudwright.storage.paging import EVERYTHING

router = resource_router("labels", "/labels")

_Labelled = Literal["deployments", "blueprints"]


@router.get("/{resource}", response_model=rest.Page[str])
@requires(Permission.LABELS_LIST)
async def list_label_keys(
    context: ContextDep, query: ListQueryDep, resource: _Labelled, _reserved: bool = False
) -> JsonResponse:
    """List the keys that there are; with ``_reserved``, those that have a meaning for the manager."""
    if _reserved:
        return text_page(RESERVED_KEYS, len(RESERVED_KEYS), EVERYTHING)
    return await _page(context, query, labels.list_keys, resource)


@router.get("/{resource}/{key}", response_model=rest.Page[str])
@requires(Permission.LABELS_LIST)
async def list_label_values(
    context: ContextDep, query: ListQueryDep, resource: _Labelled, key: str
) -> JsonResponse:
    """List the values that labels of a key have."""
    return await _page(context, query, labels.list_values, resource, key.lower())


async def _page(
    context: ContextDep, query: ListQueryDep, read: Callable[..., Any], resource: str, *key: str
) -> JsonResponse:
    found, total = await context.manager.store.read_page(
        read, labels.TABLES[resource], query.tenant(context), *key, query.search, query.page
    )
    return text_page(found, total, query.page)
