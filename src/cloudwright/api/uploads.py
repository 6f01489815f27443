"""Receiving an archive: a form with its details, as clients send it, or the bytes alone."""

from __future__ import annotations

import asyncio
import errno
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from cloudwright.api.dependencies import Visibility
from cloudwright.api.errors import describe_problems
from cloudwright.errors import InvalidInput, StorageFull

_BLOCK = 1 << 20
_FILE = "blueprint_archive"

#: For the OpenAPI document.
ARCHIVE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The archive itself, its details being in the query; or a form of the two.",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "params": {"type": "string", "description": "The details, as a JSON object."},
                        _FILE: {"type": "string", "format": "binary"},
                    },
                    "required": [_FILE],
                }
            },
        },
    }
}


#: For the OpenAPI document.
PLUGIN_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The archive itself, its details being in the query.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class ArchiveDetails(BaseModel):
    """Details of an uploaded archive, from the query or a form."""

    application_file_name: str | None = None
    visibility: Visibility = "tenant"
    async_upload: bool = False
    labels: list[dict[str, Any]] = []
    blueprint_archive_url: str | None = None

    @property
    def main_file(self) -> str | None:
        # Clients quote it, because it was part of a URL once.
        name = self.application_file_name
        return None if name is None else unquote(name)


@asynccontextmanager
async def receive_archive(
    request: Request, details: ArchiveDetails, folder: Path
) -> AsyncIterator[tuple[Path, ArchiveDetails]]:
    """The archive of a request as a file in ``folder``, for the body of the statement to take over.

    It is removed if that raises. ``details`` are those of the query; a form brings its own. Raises
    InvalidInput.
    """
    archive = folder / f"archive-{secrets.token_hex(8)}"
    try:
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            details = await _receive_form(request, archive)
        else:
            _refuse_url(details)
            await _receive_bytes(request, archive)
        yield archive, details
    except BaseException as error:
        archive.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                "The manager's disk is full. Nothing was stored; free some space and upload again."
            ) from error
        raise


async def _receive_form(request: Request, archive: Path) -> ArchiveDetails:
    async with request.form(max_files=1, max_fields=10) as form:
        text = form.get("params", "{}")
        try:
            details = ArchiveDetails.model_validate_json(text if isinstance(text, str) else b"")
        except ValidationError as error:
            problems = [{**problem, "loc": ("form", "params", *problem["loc"])} for problem in error.errors()]
            raise InvalidInput(describe_problems(problems)) from error
        _refuse_url(details)
        sent = form.get(_FILE)
        if not isinstance(sent, UploadFile):
            raise InvalidInput(f"The form has no file `{_FILE}`.")
        await asyncio.to_thread(_copy, sent.file, archive)
        return details


async def _receive_bytes(request: Request, archive: Path) -> None:
    with await asyncio.to_thread(_create, archive) as file:
        block = bytearray()
        async for chunk in request.stream():
            block += chunk
            if len(block) >= _BLOCK:
                await asyncio.to_thread(file.write, bytes(block))
                block.clear()
        await asyncio.to_thread(file.write, bytes(block))


def _create(path: Path) -> IO[bytes]:
    return path.open("xb")


def _copy(source: IO[bytes], path: Path) -> None:
    with _create(path) as file:
        shutil.copyfileobj(source, file, _BLOCK)


def _refuse_url(details: ArchiveDetails) -> None:
    if details.blueprint_archive_url:
        raise InvalidInput(
            "This manager does not fetch archives by itself. Download"
            f" {details.blueprint_archive_url[:200]} and upload the file."
        )
