"""Responses: JSON, pages of lists, the choice of fields, and how times are written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.responses import JSONResponse, Response

from cloudwright.errors import InvalidInput
from cloudwright.storage.json_pages import JsonPage
from cloudwright.storage.paging import EVERYTHING, Page


class JsonResponse(JSONResponse):
    """A response of plain JSON values, which are neither validated nor converted."""

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def optional_timestamp(time: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and ``Z``."""
    return None if time is None else timestamp(time)


def timestamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def pick_fields(item: Mapping[str, Any], fields: Collection[str] | None) -> Mapping[str, Any]:
    """``item`` with the chosen fields; None is all of them."""
    return item if fields is None else {name: value for name, value in item.items() if name in fields}


def list_page(
    items: Iterable[Mapping[str, Any]], total: int, page: Page, fields: Collection[str] | None = None
) -> JsonResponse:
    """Return the shape of every list: a page of it, and in ``total`` how much there is on all pages."""
    chosen = [pick_fields(item, fields) for item in items]
    return JsonResponse({"items": chosen, "metadata": _metadata(len(chosen), total, page)})


def text_page(items: Sequence[str], total: int, page: Page) -> JsonResponse:
    """Return a page of a list of texts."""
    return JsonResponse({"items": list(items), "metadata": _metadata(len(items), total, page)})


def json_response(record: str, status_code: int = 200) -> Response:
    """Return a record that the database has made JSON already."""
    return Response(record.encode(), status_code, media_type=JsonResponse.media_type)


def json_page_response(found: JsonPage, page: Page) -> Response:
    """``listed`` of what the database has made JSON already."""
    metadata = orjson.dumps(_metadata(found.count, found.total, page))
    content = b'{"items":[%b],"metadata":%b}' % (found.items.encode(), metadata)
    return Response(content, media_type=JsonResponse.media_type)


def _metadata(count: int, total: int, page: Page) -> dict[str, Any]:
    if page.everything and total > page.offset + count:
        raise InvalidInput(
            f"The list has {total} records, and a response has at most {page.size}. Ask for pages with"
            " `_size` and `_offset`, or narrow it with filters."
        )
    size = count if page.size is None or page.everything else page.size
    return {"pagination": {"total": total, "size": size, "offset": page.offset}, "filtered": None}


def single_page(items: Collection[Mapping[str, Any]]) -> JsonResponse:
    """Return a list that is short, and therefore always on one page."""
    return list_page(items, len(items), EVERYTHING)
