"""Artifacts in a folder: ``<first two digits>/<the others>`` of the digest."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_DIGEST = re.compile(r"[0-9a-f]{64}")


class FolderArtifacts:
    """Implements ArtifactStore. ``folder`` is made when the first artifact is stored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, file: Path, digest: str) -> None:
        place = self._place(digest)
        if place.exists():
            file.unlink()
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        # Copied and synchronised beside its place first: only whole artifacts get their name.
        handle, part = tempfile.mkstemp(dir=place.parent)
        os.close(handle)
        try:
            shutil.move(file, part)
            with open(part, "rb") as stream:
                os.fsync(stream.fileno())
            os.chmod(part, 0o600)
            os.replace(part, place)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise

    def path(self, digest: str) -> Path:
        place = self._place(digest)
        if not place.is_file():
            raise FileNotFoundError(f"There is no artifact {digest}.")
        return place

    def remove(self, digest: str) -> None:
        self._place(digest).unlink(missing_ok=True)

    def digests(self) -> Iterator[str]:
        for place in self._folder.glob("*/*"):
            digest = place.parent.name + place.name
            if _DIGEST.fullmatch(digest):
                yield digest
            else:
                # Left by a crash in the middle of a copy.
                place.unlink(missing_ok=True)

    def _place(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is not the digest of an artifact.")
        return self._folder / digest[:2] / digest[2:]
