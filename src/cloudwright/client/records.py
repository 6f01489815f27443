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
    """A page of a list: ``items`` are its records, ``total`` counts the records on all pages."""

    items: list[Item]
    total: int


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a list to return, and its order.

    ``size`` and ``offset`` count records (the manager returns 1,000 if nothing is said, and at most 10,000);
    ``sort`` is a field; ``search`` is a part of the ID; ``all_tenants`` is for administrators; ``fields`` are
    the fields to return, all of them if empty.
    """

    size: int | None = None
    offset: int | None = None
    sort: str | None = None
    descending: bool = False
    search: str | None = None
    all_tenants: bool = False
    fields: tuple[str, ...] = ()

    def params(self) -> dict[str, str]:
        """Return the query parameters of the API."""
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
