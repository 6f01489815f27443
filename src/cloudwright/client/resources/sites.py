"""Sites: places that deployments belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import Site


class Sites(Collection["Site"]):
    path = "/sites"

    def list(self, part: Slice = WHOLE) -> Page[Site]:
        return self._list(part)

    def create(self, name: str, *, location: str | None = None, visibility: str = "tenant") -> Site:
        """Create a site; ``location`` is `LATITUDE,LONGITUDE` in degrees. Raises Conflict."""
        body = {"location": location, "visibility": visibility}
        return cast("Site", self._transport.request("PUT", self._one(name), json=body))

    def update(
        self,
        name: str,
        *,
        location: str | None = None,
        visibility: str | None = None,
        new_name: str | None = None,
    ) -> Site:
        """Change what is given; an empty location removes it. Raises NotFound, Conflict."""
        body = {"location": location, "visibility": visibility, "new_name": new_name}
        return cast("Site", self._transport.request("POST", self._one(name), json=body))

    def delete(self, name: str) -> None:
        self._transport.request("DELETE", self._one(name))
