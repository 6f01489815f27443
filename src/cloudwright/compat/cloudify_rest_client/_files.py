"""Files that the client sends and receives."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

Progress = Callable[[int, int], None]


def instant(moment: datetime | str | None) -> str | None:
    """Return a moment as the API reads it."""
    return moment.isoformat() if isinstance(moment, datetime) else moment


def is_url(place: str) -> bool:
    """Return whether ``place`` is a URL, and no file of this machine."""
    return bool(urlsplit(place).scheme) and not os.path.exists(place)


def read(path: str, progress: Progress | None = None) -> bytes:
    """Return what a file holds; ``progress`` is called with how much was read and how much there is."""
    with open(path, "rb") as stream:
        content = stream.read()
    if progress is not None:
        progress(len(content), len(content))
    return content


@contextmanager
def packed(blueprint: str) -> Iterator[str]:
    """Make an archive of the folder of a blueprint's main file for a while; returns its path."""
    folder = tempfile.mkdtemp()
    try:
        yield tar_blueprint(blueprint, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tar_blueprint(blueprint_path: str, dest_dir: str) -> str:
    """Pack the folder of a blueprint's main file into ``dest_dir``; return the archive's path."""
    path = os.path.expanduser(blueprint_path)
    name = os.path.basename(os.path.splitext(path)[0])
    return tar_file(os.path.dirname(path) or os.getcwd(), dest_dir, name)


def tar_file(file_to_tar: str, destination_dir: str, tar_name: str = "") -> str:
    """Pack a file or a folder into ``destination_dir``, as ``tar_name``; return the archive's path."""
    name = tar_name or os.path.basename(file_to_tar)
    archive = os.path.join(destination_dir, f"{name}.tar.gz")
    with tarfile.open(archive, "w:gz", dereference=True) as tar:
        tar.add(file_to_tar, arcname=name)
    return archive


def multipart(fields: Mapping[str, str], files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """Return the body of a form of several parts, and its content type."""
    boundary = secrets.token_hex(16)
    parts = []
    for name, text in fields.items():
        parts.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + text.encode())
    for name, content in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="filename"\r\n'
        parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content)
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return body + b"--%s--\r\n" % boundary.encode(), f"multipart/form-data; boundary={boundary}"


def download(api: Any, where: str, output_file: str | None = None, progress: Progress | None = None) -> str:
    """Write what is at ``where`` to a file or into a folder; return the file's path.

    Without ``output_file`` it goes into the current folder, under the name that the manager gives it. Raises
    FileExistsError.
    """
    answer = api.get(where, stream=True)
    return write_response_stream_to_file(answer, output_file, progress_callback=progress)


def write_response_stream_to_file(
    streamed_response: Any,
    output_file: str | None = None,
    buffer_size: int = 8192,
    progress_callback: Progress | None = None,
) -> str:
    """Write a streamed answer to a file; see ``download``. Raises RuntimeError if it has no name."""
    header = Message()
    header["content-disposition"] = streamed_response.headers.get("content-disposition") or ""
    name = header.get_filename()
    path = output_file or name
    if not path:
        raise RuntimeError("What is downloaded has no name of its own: give the path of a file.")
    if os.path.isdir(path):
        path = os.path.join(path, os.path.basename(name or "download"))
    if os.path.exists(path):
        raise FileExistsError(errno.EEXIST, f"Output file '{path}' already exists", path)
    total = int(streamed_response.headers.get("content-length") or 0)
    written = 0
    with open(path, "wb") as stream:
        for chunk in streamed_response.bytes_stream(buffer_size):
            stream.write(chunk)
            written += len(chunk)
            if progress_callback is not None:
                progress_callback(written, total)
    return path
