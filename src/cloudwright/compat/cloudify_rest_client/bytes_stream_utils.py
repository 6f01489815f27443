"""``cloudify_rest_client.bytes_stream_utils``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from cloudwright.compat.cloudify_rest_client._files import read, write_response_stream_to_file

__all__ = [
    "CONTENT_DISPOSITION_HEADER",
    "DEFAULT_BUFFER_SIZE",
    "request_data_file_stream",
    "request_data_file_stream_gen",
    "write_response_stream_to_file",
]

CONTENT_DISPOSITION_HEADER = "content-disposition"
DEFAULT_BUFFER_SIZE = 8192


def request_data_file_stream(
    file_path: str,
    buffer_size: int = DEFAULT_BUFFER_SIZE,
    progress_callback: Callable[[int, int], None] | None = None,
    client: Any = None,
) -> bytes:
    """Return what a request with this file holds."""
    return read(file_path, progress_callback)


def request_data_file_stream_gen(
    file_path: str,
    buffer_size: int = DEFAULT_BUFFER_SIZE,
    progress_callback: Callable[[int, int], None] | None = None,
) -> Iterator[bytes]:
    """Yield what a file holds, piece by piece."""
    done, total = 0, os.path.getsize(file_path)
    with open(file_path, "rb") as stream:
        while piece := stream.read(buffer_size):
            done += len(piece)
            if progress_callback is not None:
                progress_callback(done, total)
            yield piece
