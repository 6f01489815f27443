"""Files of blueprints on the worker's machine, fetched once from the manager."""

from __future__ import annotations

import asyncio
import os
import shutil
import tarfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from cloudwright.errors import InvalidInput, Unavailable

#: How long the manager may be silent while it sends (seconds).
_PATIENCE = 30.0


class Resources:
    """A cache: a folder for each key."""

    def __init__(self, folder: Path, url: str, headers: Mapping[str, str]) -> None:
        self._folder = folder
        self._url = url
        self._headers = dict(headers)
        self._fetches: dict[str, asyncio.Task[None]] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def folder(self, key: str) -> Path:
        """Return the folder with the files of ``key``. Raises Unavailable, InvalidInput."""
        if not key.isalnum():
            raise InvalidInput(f"`{key}` is no key of files")
        folder = self._folder / key
        if not folder.is_dir():
            fetch = self._fetches.get(key)
            if fetch is None:
                fetch = self._fetches[key] = asyncio.ensure_future(asyncio.to_thread(self._fetch, key))
                fetch.add_done_callback(lambda _: self._fetches.pop(key, None))
            await asyncio.shield(fetch)
        return folder

    def _fetch(self, key: str) -> None:
        request = urllib.request.Request(f"{self._url}/agents/v1/resources/{key}", headers=self._headers)  # noqa: S310
        with TemporaryDirectory(dir=self._folder) as name:
            try:
                with (
                    _opener().open(request, timeout=_PATIENCE) as answer,
                    tarfile.open(fileobj=answer, mode="r|") as archive,
                ):
                    archive.extractall(f"{name}/files", filter="data")
            except urllib.error.HTTPError as error:
                raise Unavailable(f"The blueprint's files could not be fetched: {error}.") from error
            except (OSError, tarfile.TarError) as error:
                raise Unavailable(f"The blueprint's files could not be fetched: {error}.") from error
            os.makedirs(f"{name}/files", exist_ok=True)
            target = self._folder / key
            if target.exists():
                shutil.rmtree(target)
            os.replace(f"{name}/files", target)


def _opener() -> urllib.request.OpenerDirector:
    # Not through a proxy that the machine's environment names for other purposes.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
