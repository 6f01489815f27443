"""The current user's tokens: create, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import Token


class Tokens(Collection["Token"]):
    path = "/tokens"

    def list(self, part: Slice = WHOLE) -> Page[Token]:
        return self._list(part)

    def create(self, *, description: str | None = None, expiration: str | None = None) -> Token:
        """Create a token of the current user, and return it. Only this response contains its ``value``.

        ``expiration`` is a time in UTC, or relative: ``+10h``; None means never. Raises BadRequest.
        """
        body = {"description": description, "expiration_date": expiration}
        given = {name: value for name, value in body.items() if value}
        return cast("Token", self._transport.request("POST", self.path, json=given))

    def delete(self, identifier: str) -> None:
        self._transport.request("DELETE", self._one(identifier))
