"""Folders that were made once and can be made again, kept until they take too much of the disk."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

#: Beside a folder: its size in bytes. Its time of change is when the folder was used last.
_MARK = ".size"

log = logging.getLogger(__name__)


class FolderCache:
    """A folder for each key. ``limit`` is how many bytes all of them together may take. Methods block."""

    def __init__(self, folder: Path, limit: int, in_use: Callable[[], Collection[str]]) -> None:
        """``in_use`` returns the keys that must stay."""
        self._folder = folder
        self._limit = limit
        self._in_use = in_use
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in list(folder.iterdir()):
            # What is not marked was not made to its end.
            if left.is_dir() and not self._mark(left.name).is_file():
                shutil.rmtree(left, ignore_errors=True)

    def path(self, key: str) -> Path:
        return self._folder / key

    def has(self, key: str) -> bool:
        """Return whether the folder of ``key`` is there; it was used now."""
        try:
            os.utime(self._mark(key))
        except FileNotFoundError:
            return False
        return (self._folder / key).is_dir()

    def add(self, key: str) -> list[str]:
        """Keep the folder of ``key``, which is whole now; returns the keys of those that had to go."""
        self._mark(key).write_text(str(_size(self._folder / key)), "ascii")
        kept = {key, *self._in_use()}
        marks = sorted(self._folder.glob(f"*{_MARK}"), key=lambda mark: mark.stat().st_mtime)
        sizes = {mark.name.removesuffix(_MARK): int(mark.read_text("ascii")) for mark in marks}
        total, gone = sum(sizes.values()), []
        for name, size in sizes.items():
            if total <= self._limit:
                break
            if name not in kept:
                # The mark first: what is removed in part counts as not there.
                self._mark(name).unlink()
                shutil.rmtree(self._folder / name, ignore_errors=True)
                log.info("removed %s, which was not used lately, for its %s bytes", self._folder / name, size)
                gone.append(name)
                total -= size
        return gone

    def _mark(self, key: str) -> Path:
        return self._folder / f"{key}{_MARK}"


def _size(folder: Path) -> int:
    return sum(
        os.lstat(os.path.join(root, name)).st_blocks * 512
        for root, _, names in os.walk(folder)
        for name in names
    )
