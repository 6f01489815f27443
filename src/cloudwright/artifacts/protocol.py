"""What every store of artifacts can do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class ArtifactStore(Protocol):
    """All of it blocks: it reads and writes files."""

    def put(self, file: Path, digest: str) -> None:
        """Take over ``file``, whose content has this digest: move it, or remove it if it is there already."""

    def path(self, digest: str) -> Path:
        """Return a file with the content, which must not be changed. Raises FileNotFoundError."""

    def remove(self, digest: str) -> None:
        """Remove an artifact, if it is stored."""

    def digests(self) -> Iterator[str]:
        """Yield the digest of every artifact."""


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
