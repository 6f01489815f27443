"""Pages of a list: a search and a place in it, both in the address."""

from __future__ import annotations

from typing import Any

from cloudwright.console.visits import Visit

PAGE = 100


def number_of(text: str | None) -> int:
    """Return the number in an address; 0 if there is none that makes sense."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


async def page_of(
    visit: Visit, path: str, own: str, *, size: str = "_size", offset: str = "_offset", **asked: Any
) -> dict[str, Any]:
    """Read a page of a list of the REST API for the page ``own`` of the console, under the names that the API
    has there for a page. Raises RestError.
    """
    query = visit.request.query_params
    search, page = query.get("_search", "").strip(), number_of(query.get("page"))
    place: dict[str, Any] = {size: PAGE, offset: page * PAGE}
    found = await visit.rest.get(path, _search=search or None, **place, **asked)
    total = found["metadata"]["pagination"]["total"]
    return {
        "items": found["items"],
        "total": total,
        "search": search,
        "fragment": visit.url(f"{own}/rows", _search=search, page=page or None),
        "before": visit.url(own, _search=search, page=page - 1 or None) if page else None,
        "after": visit.url(own, _search=search, page=page + 1) if (page + 1) * PAGE < total else None,
    }
