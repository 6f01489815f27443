"""The files of what was uploaded, as long as something in the database has them.

What must always hold: an artifact that a row names exists. So it is stored before its row is, and removed
after the last; nothing is removed between the two steps of something else (``_turn``). What a crash leaves is
removed by the next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from cloudwright.artifacts.protocol import ArtifactStore, digest_of
from cloudwright.errors import CloudwrightError
from cloudwright.storage import artifacts
from cloudwright.storage.store import Store

T = TypeVar("T")


class Artifacts:
    def __init__(self, store: Store, files: ArtifactStore) -> None:
        self._store = store
        self._files = files
        self._turn = asyncio.Lock()
        self._keeping: set[asyncio.Task[Any]] = set()

    async def keep(self, file: Path, record: Callable[[str], Awaitable[T]]) -> T:
        """Take over ``file``, write the row that names it with ``record(digest)``, and return its result.

        It continues if the caller is cancelled. If there is no row in the end, there is no artifact either.
        """
        digest = await asyncio.to_thread(digest_of, file)
        task = asyncio.ensure_future(self._keep(file, digest, record))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)
        return await asyncio.shield(task)

    async def path(self, digest: str) -> Path:
        """Raises FileNotFoundError."""
        return await asyncio.to_thread(self._files.path, digest)

    async def bring(self, digest: str, extract: Callable[[Path], None], folder: Path) -> None:
        """Store an artifact that no row names yet, unless it is there: ``extract`` writes it to a file.

        Raises ValueError if the file is not what the digest says.
        """
        async with self._turn:
            with suppress(FileNotFoundError):
                await asyncio.to_thread(self._files.path, digest)
                return
            await asyncio.to_thread(self._bring, digest, extract, folder / f"artifact-{digest}")

    def _bring(self, digest: str, extract: Callable[[Path], None], file: Path) -> None:
        file.unlink(missing_ok=True)
        try:
            extract(file)
            if digest_of(file) != digest:
                raise ValueError(f"the file is not the artifact {digest}")
            self._files.put(file, digest)
        finally:
            file.unlink(missing_ok=True)

    async def release(self, digest: str | None) -> None:
        """Remove an artifact, unless a row still names it."""
        if digest is None:
            return
        async with self._turn:
            await self._release(digest)

    async def sweep(self) -> None:
        """Remove every artifact that no row names."""
        async with self._turn:
            named = await self._store.read(artifacts.named)
            for digest in await asyncio.to_thread(lambda: set(self._files.digests())):
                if digest not in named:
                    await asyncio.to_thread(self._files.remove, digest)

    async def _keep(self, file: Path, digest: str, record: Callable[[str], Awaitable[T]]) -> T:
        async with self._turn:
            try:
                await asyncio.to_thread(self._files.put, file, digest)
                return await record(digest)
            except Exception:
                # If that fails too, the next start does it.
                with suppress(CloudwrightError):
                    await self._release(digest)
                raise

    async def _release(self, digest: str) -> None:
        if not await self._store.read(artifacts.is_named, digest):
            await asyncio.to_thread(self._files.remove, digest)
