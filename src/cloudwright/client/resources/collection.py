"""What all resources have: a list, and single records by their ID."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

from cloudwright.client.errors import ClientError
from cloudwright.client.records import Page, Slice
from cloudwright.client.transport import Transport

Record = TypeVar("Record")

WHOLE = Slice()
#: Seconds; the manager responds to an upload when it has parsed the whole blueprint.
UPLOAD_TIMEOUT = 600.0


class Collection(Generic[Record]):
    """A noun: a list of records, and single records by their ID."""

    path: str

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _one(self, identifier: str, *rest: str) -> str:
        if "/" in identifier or identifier in ("", ".", ".."):
            # In the path of a URL it would name something else.
            raise ClientError(f"`{identifier}` is not a valid ID: IDs are not empty and contain no `/`.")
        return "/".join([self.path, quote(identifier, safe=""), *rest])

    def _list(self, part: Slice, **filters: Any) -> Page[Record]:
        given = {name: as_text(value) for name, value in filters.items() if value is not None}
        answer = self._transport.request("GET", self.path, params={**part.params(), **given})
        return Page(cast("list[Record]", answer["items"]), int(answer["metadata"]["pagination"]["total"]))

    def _search(self, part: Slice, rules: Sequence[Mapping[str, Any]], **filters: Any) -> Page[Record]:
        """``_list`` of those that fulfil the rules."""
        given = {name: as_text(value) for name, value in filters.items() if value is not None}
        body = {"filter_rules": [dict(rule) for rule in rules]}
        answer = self._transport.request(
            "POST", f"/searches{self.path}", params={**part.params(), **given}, json=body
        )
        return Page(cast("list[Record]", answer["items"]), int(answer["metadata"]["pagination"]["total"]))

    def _label(self, identifier: str, labels: Sequence[Mapping[str, str]]) -> Record:
        """Replace the labels, one dictionary of key and value each. Raises NotFound."""
        body = {"labels": [dict(label) for label in labels]}
        return cast(Record, self._transport.request("PATCH", self._one(identifier), json=body))

    def get(self, identifier: str, *, fields: tuple[str, ...] = ()) -> Record:
        """Return one record, with ``fields`` only if some are given.

        Raises NotFound, and BadRequest for an unknown field.
        """
        params = Slice(fields=fields).params()
        return cast(Record, self._transport.request("GET", self._one(identifier), params=params))


def as_text(value: Any) -> Any:
    """Return a value as a query has it: true and false in small letters, all else unchanged."""
    return str(value).lower() if isinstance(value, bool) else value
