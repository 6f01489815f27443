"""Pages of lists."""

from __future__ import annotations

from typing import Generic, TypeVar

from typing_extensions import TypedDict

Item = TypeVar("Item")


class Pagination(TypedDict):
    total: int
    size: int
    offset: int


class Count(TypedDict):
    count: int


class Metadata(TypedDict):
    pagination: Pagination
    filtered: int | None


class Page(TypedDict, Generic[Item]):
    items: list[Item]
    metadata: Metadata
