"""How far a large upload is, on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from cloudwright.cli.output import Output

if TYPE_CHECKING:
    from typing import BinaryIO

#: Bytes that are sent in a moment on any network: no bar is shown for them.
SMALL = 1_000_000


@contextmanager
def shown_upload(out: Output, archive: IO[bytes], what: str) -> Iterator[IO[bytes]]:
    """Yield what reads the archive in its place, and shows on a terminal how much of it was read."""
    begun = archive.tell()
    size = archive.seek(0, os.SEEK_END) - begun
    archive.seek(begun)
    if size < SMALL or out.quiet or out.as_json or not sys.stderr.isatty():
        yield archive
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield progress.wrap_file(cast("BinaryIO", archive), total=size, description=what)
