"""The contents of artifacts in the manager's database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cloudwright.errors import Unavailable
from cloudwright.storage import artifact_contents
from cloudwright.storage.artifact_contents import PART_SIZE
from cloudwright.storage.store import Store

#: How often parts are stored that others removed meanwhile.
_TRIES = 5


class StoredContents:
    """Implements ``Contents`` of ``artifacts.cached``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, file: Path, digest: str) -> None:
        if self._store.read_sync(artifact_contents.count_parts, digest) is not None:
            return
        for _ in range(_TRIES):
            parts = 0
            with file.open("rb") as stream:
                # An empty file has one part as well.
                while (content := stream.read(PART_SIZE)) or not parts:
                    self._store.write_sync(artifact_contents.add_part, digest, parts, content)
                    parts += 1
            if self._store.write_sync(artifact_contents.complete, digest, parts):
                return
        raise Unavailable(f"The file {digest} could not be stored: others removed it meanwhile. Try again.")

    def read(self, digest: str) -> Iterator[bytes]:
        parts = self._store.read_sync(artifact_contents.count_parts, digest)
        for number in range(parts or 0):
            content = self._store.read_sync(artifact_contents.part, digest, number)
            if content is None:
                break
            yield content
        else:
            if parts is not None:
                return
        raise FileNotFoundError(f"There is no artifact {digest}.")

    def remove(self, digest: str) -> None:
        self._store.write_sync(artifact_contents.remove, digest)

    def digests(self) -> Iterator[str]:
        self._store.write_sync(artifact_contents.remove_abandoned)
        yield from self._store.read_sync(artifact_contents.digests)
