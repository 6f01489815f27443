"""Stored filters: rules that lists of deployments or blueprints are narrowed by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection
from cloudwright.client.transport import Transport

if TYPE_CHECKING:
    from cloudwright.model.rest import Filter

Rule = Mapping[str, Any]


class Filters(Collection["Filter"]):
    """The filters of ``resource``: `deployments` or `blueprints`."""

    def __init__(self, transport: Transport, resource: str) -> None:
        super().__init__(transport)
        self.path = f"/filters/{resource}"

    def list(self, part: Slice = WHOLE) -> Page[Filter]:
        return self._list(part)

    def create(self, identifier: str, rules: Sequence[Rule], *, visibility: str = "tenant") -> Filter:
        """Store rules under an ID. Raises BadRequest for a rule that is none, and Conflict."""
        body = {"filter_rules": list(rules), "visibility": visibility}
        return cast("Filter", self._transport.request("PUT", self._one(identifier), json=body))

    def update(self, identifier: str, *, rules: Sequence[Rule] = (), visibility: str | None = None) -> Filter:
        """Change what is given: rules replace those of their types. Raises NotFound, BadRequest."""
        body: dict[str, Any] = {"visibility": visibility} if visibility else {}
        if rules:
            body["filter_rules"] = list(rules)
        return cast("Filter", self._transport.request("PATCH", self._one(identifier), json=body))

    def delete(self, identifier: str) -> None:
        self._transport.request("DELETE", self._one(identifier))
