"""Pages of lists, and what distinguishes records. The records' types are in ``cloudwright.model.rest``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeGuard, TypeVar

if TYPE_CHECKING:
    from cloudwright.model.rest import Event, Execution

END_STATUSES = frozenset({"terminated", "failed", "cancelled"})


def is_execution(item: Event | Execution) -> TypeGuard[Execution]:
    """Return whether an item of a stream is the execution, not an event of it."""
    return "status" in item


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list: ``total`` counts what there is, ``items`` holds what was asked for."""

    items: list[Item]
    total: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of a list is wanted, in which order. None leaves a choice to the manager."""

    size: int | None = None
    offset: int | None = None
    sort: str | None = None
    descending: bool = False
    search: str | None = None
    all_tenants: bool = False
    fields: tuple[str, ...] = ()

    def params(self) -> dict[str, str]:
        """As the API's query parameters."""
        chosen: dict[str, str] = {}
        if self.size is not None:
            chosen["_size"] = str(self.size)
        if self.offset:
            chosen["_offset"] = str(self.offset)
        if self.sort:
            chosen["_sort"] = f"-{self.sort}" if self.descending else self.sort
        if self.search:
            chosen["_search"] = self.search
        if self.all_tenants:
            chosen["_all_tenants"] = "true"
        if self.fields:
            chosen["_include"] = ",".join(self.fields)
        return chosen
