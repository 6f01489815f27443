"""Artifacts that all managers share, with the files of those that this one has used in a folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from cloudwright.artifacts.folder import FolderArtifacts
from cloudwright.artifacts.protocol import digest_of


class Contents(Protocol):
    """Where the contents are that all share. All of it blocks."""

    def put(self, file: Path, digest: str) -> None:
        """Store the file's content, unless it is there."""

    def read(self, digest: str) -> Iterator[bytes]:
        """Yield the content in parts. Raises FileNotFoundError, at any part, if it is not there."""

    def remove(self, digest: str) -> None:
        """Remove a content, if it is stored."""

    def digests(self) -> Iterator[str]:
        """Yield the digest of every content."""


class CachedArtifacts:
    """Implements ArtifactStore. A file in ``folder`` is a copy, which may be removed at any time."""

    def __init__(self, contents: Contents, folder: Path) -> None:
        self._contents = contents
        self._folder = folder
        self._cache = FolderArtifacts(folder)

    def put(self, file: Path, digest: str) -> None:
        self._cache.put(file, digest)
        # From there: whoever finds it in the database can rely on it, and a copy may be left over.
        self._contents.put(self._cache.path(digest), digest)

    def path(self, digest: str) -> Path:
        with suppress(FileNotFoundError):
            return self._cache.path(digest)
        self._fetch(digest)
        return self._cache.path(digest)

    def remove(self, digest: str) -> None:
        self._contents.remove(digest)
        self._cache.remove(digest)

    def digests(self) -> Iterator[str]:
        shared = set(self._contents.digests())
        yield from sorted(shared)
        # Copies of what another manager has removed.
        for digest in list(self._cache.digests()):
            if digest not in shared:
                self._cache.remove(digest)

    def _fetch(self, digest: str) -> None:
        """Copy a content into the folder. Raises FileNotFoundError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, prefix="fetched-")
        file = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.writelines(self._contents.read(digest))
            if digest_of(file) != digest:
                raise FileNotFoundError(f"What is stored of artifact {digest} is not its content.")
            self._cache.put(file, digest)
        finally:
            file.unlink(missing_ok=True)
