"""Writing what was downloaded to where a person wants it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cloudwright.cli.failure import Failure


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which is at ``path`` only once all of it is there. Raises Failure if it cannot be.

    A device, a pipe or a link is written to as it is: replacing it would break it for all other programs.
    """
    is_special = path.is_symlink() or (path.exists() and not path.is_file())
    partial = path if is_special else path.with_name(f"{path.name}.part")
    try:
        with open(partial, "wb") as file:
            yield file
        if not is_special:
            partial.replace(path)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        if not is_special:
            partial.unlink(missing_ok=True)
