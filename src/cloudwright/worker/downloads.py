"""Files that the manager serves to its workers, fetched in threads, again and again until they are whole.

A cut connection ends nothing: what was fetched stays, and the rest follows.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import logging
import random
import ssl
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cloudwright.errors import Unavailable

#: How long the manager may be silent while it sends (seconds).
_PATIENCE = 30.0
#: How many are under way at once, and the longest pause before one is tried again (seconds).
_AT_ONCE = 2
_MOST_PAUSE = 10.0
_PART = 1 << 18
#: What a connection can end with. Other errors of the system are about this machine's disk.
_INTERRUPTIONS = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
)
_PARTIAL = 206

log = logging.getLogger(__name__)


class Downloads:
    def __init__(self, url: str, headers: Mapping[str, str], ca_file: str | None) -> None:
        self._url = f"{url}/agents/v1"
        self._headers = dict(headers)
        self._ca_file = ca_file
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._opener: urllib.request.OpenerDirector | None = None

    async def file(self, path: str, target: Path, digest: str) -> None:
        """Fetch a file with this SHA-256.

        Raises Unavailable if the manager has no such file, or the disk does not take it.
        """
        await self._repeat(path, lambda: self._fetch_file(path, target, digest))

    async def tree(self, path: str, target: Path) -> None:
        """Fetch an archive into the new folder ``target``. Raises what ``file`` raises."""
        await self._repeat(path, lambda: self._fetch_tree(path, target))

    async def _repeat(self, path: str, fetch: Callable[[], None]) -> None:
        pause = 0.5
        while True:
            try:
                async with self._slots:
                    # A thread cannot be interrupted: the next attempt must not begin beside it.
                    await _to_the_end(fetch)
                return
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise Unavailable(f"The manager does not send {path}: {_said(error)}") from error
                problem: Exception = error
            except _INTERRUPTIONS as error:
                problem = error
            except OSError as error:
                raise Unavailable(f"The host could not store {path}: {error}.") from error
            log.warning("fetching %s: %s; trying again", path, problem)
            await asyncio.sleep(random.uniform(0.1, pause))  # noqa: S311 - so that many do not come at once
            pause = min(2 * pause, _MOST_PAUSE)

    def _fetch_file(self, path: str, target: Path, digest: str) -> None:
        with target.open("ab") as file:
            there = file.tell()
            headers = {"Range": f"bytes={there}-"} if there else {}
            try:
                with self._open(path, headers) as answer:
                    if there and answer.status != _PARTIAL:
                        file.truncate(0)
                    while part := answer.read(_PART):
                        file.write(part)
                    if answer.length:
                        raise http.client.IncompleteRead(b"", answer.length)
            except urllib.error.HTTPError as error:
                # All of it is there already.
                if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    raise
        with target.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            target.unlink()
            raise http.client.HTTPException("what came is not what was asked for")

    def _fetch_tree(self, path: str, target: Path) -> None:
        try:
            with self._open(path, {}) as answer, tarfile.open(fileobj=answer, mode="r|") as archive:
                archive.extractall(target, filter="data")
        except tarfile.ReadError as error:
            raise http.client.HTTPException(str(error)) from error
        except tarfile.TarError as error:
            raise OSError(str(error)) from error
        target.mkdir(exist_ok=True)

    def _open(self, path: str, headers: Mapping[str, str]) -> Any:
        if self._opener is None:
            # Not through a proxy that the machine's environment names for other purposes.
            handlers: list[Any] = [urllib.request.ProxyHandler({})]
            if self._ca_file:
                context = ssl.create_default_context(cafile=self._ca_file)
                handlers.append(urllib.request.HTTPSHandler(context=context))
            self._opener = urllib.request.build_opener(*handlers)
        request = urllib.request.Request(f"{self._url}/{path}", headers={**self._headers, **headers})  # noqa: S310
        return self._opener.open(request, timeout=_PATIENCE)


def _said(error: urllib.error.HTTPError) -> str:
    return error.read(1000).decode("utf-8", "replace").strip() or str(error)


async def _to_the_end(job: Callable[[], None]) -> None:
    """Run ``job`` in a thread, and return only when it is over, also if the caller is cancelled."""
    running = asyncio.ensure_future(asyncio.to_thread(job))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()
        raise
