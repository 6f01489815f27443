"""Temporary folders: those that the user's code gets, and private ones that vanish with their operation.

``tempfile`` and ``shutil`` do what is not simple here, and are loaded for it only: with the libraries that
they load they are 30 of a zygote's mappings, which make each fork dearer, and loading them again would cost
each script's operation 2 ms.
"""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cloudwright.child.errors import NonRecoverableError

#: How many names there are for the folder of private folders.
_PARENTS = 10


def executable_tempdir() -> str:
    """Where temporary files go that must be executable: ``$CFY_EXEC_TEMP``, or the usual place."""
    chosen = os.environ.get("CFY_EXEC_TEMP")
    return os.path.abspath(chosen) if chosen and os.path.isdir(chosen) else _tempdir()


def _tempdir() -> str:
    """Return what ``tempfile.gettempdir()`` returns."""
    first = os.environ.get("TMPDIR") or os.environ.get("TEMP") or os.environ.get("TMP") or "/tmp"  # noqa: S108
    # The code that loaded it may have set the folder.
    if "tempfile" not in sys.modules and os.path.isdir(first) and os.access(first, os.W_OK | os.X_OK):
        return os.path.abspath(first)
    import tempfile  # noqa: PLC0415 - see above

    return tempfile.gettempdir()


def new_folder() -> str:
    """Make an empty folder that only this user may enter, and return it; the caller removes it."""
    return _make(executable_tempdir(), "cloudwright-")


def _make(parent: str, prefix: str = "") -> str:
    while True:
        folder = os.path.join(parent, prefix + os.urandom(8).hex())
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            continue
        return folder


def remove_folder(folder: str) -> None:
    """Remove ``folder`` and all in it, as far as that is possible. It is one that others cannot enter."""
    try:
        for path, _, files in os.walk(folder, topdown=False):
            for name in files:
                os.unlink(os.path.join(path, name))
            os.rmdir(path)
    except OSError:
        # A link to a folder is in it, or another process writes into it, or what is in it cannot be removed.
        import shutil  # noqa: PLC0415 - see above

        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def private_folder() -> Iterator[str]:
    """A folder for the time of the block, which only this user may enter.

    A process that is killed cannot tidy up, so others remove what dead ones have left: a folder is locked for
    as long as its process lives.
    """
    parent = _make_parent()
    remove_abandoned()
    folder, lock = _locked_folder(parent)
    try:
        yield folder
    finally:
        remove_folder(folder)
        os.close(lock)


def _locked_folder(parent: str) -> tuple[str, int]:
    while True:
        folder = _make(parent)
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(folder):
            return folder, lock
        # Another process took it for an abandoned one before it was locked.
        os.close(lock)


def _make_parent() -> str:
    """Return the first of the folders for private ones that this user can have for itself. Another user may
    have made some of them before.
    """
    for parent in _parents():
        try:
            os.mkdir(parent, 0o700)
        except FileExistsError:
            if not _is_private(parent):
                continue
        return parent
    raise NonRecoverableError(
        f"`{_parents()[0]}` is not a folder that only this user may enter, nor is any of the {_PARENTS - 1} "
        "others that scripts could be kept in. Remove them, or set CFY_EXEC_TEMP to a folder of your own."
    )


def _parents() -> list[str]:
    first = os.path.join(executable_tempdir(), f"cloudwright-{os.getuid()}")
    return [first, *(f"{first}-{number}" for number in range(1, _PARENTS))]


def _is_private(folder: str) -> bool:
    found = os.lstat(folder)
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return ours and not stat.S_IMODE(found.st_mode) & 0o077


def remove_abandoned() -> None:
    """Remove the private folders of processes that are dead."""
    for parent in _parents():
        if not os.path.lexists(parent):
            return
        if _is_private(parent):
            _remove_abandoned(parent)


def _remove_abandoned(parent: str) -> None:
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
            remove_folder(folder)
        finally:
            os.close(lock)
