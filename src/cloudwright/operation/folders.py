"""Temporary folders: those that the user's code gets, and private ones that vanish with their operation."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from cloudwright.operation.errors import NonRecoverableError


def executable_tempdir() -> str:
    """Where temporary files go that must be executable: ``$CFY_EXEC_TEMP``, or the usual place."""
    chosen = os.environ.get("CFY_EXEC_TEMP")
    return os.path.abspath(chosen) if chosen and os.path.isdir(chosen) else tempfile.gettempdir()


def new_folder() -> str:
    """A new empty folder that only this user may enter; whoever asks for it removes it."""
    return tempfile.mkdtemp(prefix="cloudwright-", dir=executable_tempdir())


@contextmanager
def private_folder() -> Iterator[str]:
    """A folder for the time of the block, which only this user may enter.

    A process that is killed cannot tidy up, so others remove what dead ones have left: a folder is locked for
    as long as its process lives.
    """
    parent = _parent()
    try:
        os.mkdir(parent, 0o700)
    except FileExistsError:
        if not _is_private(parent):
            raise NonRecoverableError(
                f"`{parent}` is not a folder that only this user may enter, so scripts cannot be kept there. "
                "Remove it, or set CFY_EXEC_TEMP to a folder of your own."
            ) from None
    remove_abandoned()
    folder, lock = _locked_folder(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked_folder(parent: str) -> tuple[str, int]:
    while True:
        folder = tempfile.mkdtemp(dir=parent)
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(folder):
            return folder, lock
        # Somebody took it for an abandoned one before it was locked.
        os.close(lock)


def _parent() -> str:
    return os.path.join(executable_tempdir(), f"cloudwright-{os.getuid()}")


def _is_private(folder: str) -> bool:
    found = os.lstat(folder)
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return ours and not stat.S_IMODE(found.st_mode) & 0o077


def remove_abandoned() -> None:
    """Remove the private folders of processes that are dead."""
    parent = _parent()
    if not os.path.lexists(parent) or not _is_private(parent):
        return
    for name in os.listdir(parent):
        folder = os.path.join(parent, name)
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass  # its process lives
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
