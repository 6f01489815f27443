"""Plugins: upload, download, delete."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import UPLOAD_TIMEOUT, WHOLE, Collection, as_text

if TYPE_CHECKING:
    from cloudwright.model.rest import Plugin


class Plugins(Collection["Plugin"]):
    path = "/plugins"

    def list(self, part: Slice = WHOLE) -> Page[Plugin]:
        return self._list(part)

    def upload(self, archive: IO[bytes], *, title: str | None = None, visibility: str = "tenant") -> Plugin:
        """Upload an archive of a ``plugin.yaml`` and its code: a wagon, a wheel or a Python project.

        Returns the plugin. Raises BadRequest for an archive that is none, and Conflict if this version of the
        plugin exists already.
        """
        params = {"visibility": visibility} | ({} if title is None else {"title": title})
        answer = self._transport.request(
            "POST", self.path, params=params, content=archive, timeout=UPLOAD_TIMEOUT
        )
        return cast("Plugin", answer)

    def delete(self, identifier: str, *, force: bool = False) -> None:
        """Delete a plugin; ``force`` also if deployments need it.

        Raises NotFound, and IllegalAction if deployments need it.
        """
        self._transport.request("DELETE", self._one(identifier), params={"force": as_text(force)})

    def download(self, identifier: str, into: IO[bytes]) -> int:
        """Write the uploaded archive to a file, and return its size in bytes. Raises NotFound."""
        return self._transport.download(self._one(identifier, "archive"), into)
