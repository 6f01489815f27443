"""Writing what was downloaded to where a person wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cloudwright.cli.failure import Failure
from cloudwright.cli.session import Session


def download_archive(
    session: Session,
    noun: str,
    identifier: str,
    path: Path | None,
    extension: str,
    download: Callable[[str, IO[bytes]], int],
) -> None:
    """Write an archive that ``download`` gets to ``path``: a file, a folder, or None for the folder that the
    command runs in. Raises ClientError, or Failure if there is no such ``noun`` or it cannot be written.
    """
    if path is None or path.is_dir():
        path = (path or Path()) / f"{identifier}.{extension}"
    with session.finding(noun, identifier), written_whole(path) as file:
        size = download(identifier, file)
    session.out.say(f"{noun.capitalize()} `{identifier}` is in {path} ({size} bytes).")
    if session.out.as_json:
        session.out.json({"id": identifier, "path": str(path), "size": size})


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
