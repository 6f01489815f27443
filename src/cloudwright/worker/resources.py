"""Files of blueprints and plugins on the worker's machine, fetched once from the manager."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from cloudwright.background import SharedWork
from cloudwright.errors import InvalidInput
from cloudwright.worker.downloads import Downloads
from cloudwright.worker.folder_cache import FolderCache


class Resources:
    """A cache: a folder for each key."""

    def __init__(
        self, folder: Path, downloads: Downloads, limit: int, in_use: Callable[[], Collection[str]]
    ) -> None:
        self._cache = FolderCache(folder, limit, in_use)
        self._downloads = downloads
        self._fetches = SharedWork()

    async def folder(self, key: str) -> Path:
        """Return the folder with the files of ``key``. Raises Unavailable, InvalidInput."""
        if not key.isalnum():
            raise InvalidInput(f"`{key}` is not a key of files")
        if not self._cache.has(key):
            await self._fetches.join(key, lambda: self._fetch(key))
        return self._cache.path(key)

    async def close(self) -> None:
        await self._fetches.close()

    async def _fetch(self, key: str) -> None:
        target = self._cache.path(key)
        await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
        part = target.with_name(f"{key}.{secrets.token_hex(4)}")
        try:
            await self._downloads.tree(f"resources/{key}", part)
            await asyncio.to_thread(os.rename, part, target)
        finally:
            await asyncio.to_thread(shutil.rmtree, part, ignore_errors=True)
        await asyncio.to_thread(self._cache.add, key)
