"""Snapshots: all data of a manager in one file."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import UPLOAD_TIMEOUT, WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import Execution, Snapshot


class Snapshots(Collection["Snapshot"]):
    path = "/snapshots"

    def list(self, part: Slice = WHOLE) -> Page[Snapshot]:
        return self._list(part)

    def create(self, identifier: str, *, include_events: bool = True, include_logs: bool = True) -> Execution:
        """Begin to make a snapshot, and return its execution. Raises Conflict, IllegalAction."""
        body = {"include_events": include_events, "include_logs": include_logs}
        return cast("Execution", self._transport.request("PUT", self._one(identifier), json=body))

    def restore(self, identifier: str, *, force: bool = False) -> Execution:
        """Begin to restore a snapshot, and return the execution. Raises NotFound, IllegalAction."""
        body = {"force": force}
        return cast("Execution", self._transport.request("POST", self._one(identifier, "restore"), json=body))

    def upload(self, identifier: str, file: IO[bytes]) -> Snapshot:
        """Upload the file of a snapshot. Raises Conflict, BadRequest."""
        path = self._one(identifier, "archive")
        made = self._transport.request("PUT", path, content=file, timeout=UPLOAD_TIMEOUT)
        return cast("Snapshot", made)

    def download(self, identifier: str, file: IO[bytes]) -> int:
        """Write the snapshot to ``file``, and return its size in bytes. Raises NotFound."""
        return self._transport.download(self._one(identifier, "archive"), file)

    def delete(self, identifier: str) -> None:
        self._transport.request("DELETE", self._one(identifier))

    def is_restoring(self) -> bool:
        """Return whether a snapshot is being restored."""
        answer = self._transport.request("GET", "/snapshot-status")
        return bool(answer["status"] == "running")
