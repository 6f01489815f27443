"""Where this process may make cgroups for its children: found once, at start.

That is below its own cgroup, if the cgroup file system of version 2 is mounted and may be written to: as
root, in a systemd unit with ``Delegate=yes``, in a user's own slice.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from cloudwright.process.leaves import KEY_ATTRIBUTE


class CgroupsUnavailable(Exception):
    """No cgroups can be made; the text says why."""


class Cgroups:
    """A folder for the cgroups of one manager's children, the same at each start from the same cgroup."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(cls, home: Path) -> Cgroups:
        """Return the folder of the manager whose home is ``home``, made if there is none.

        Raises CgroupsUnavailable if none can be made.
        """
        own = _own_cgroup()
        name = "cloudwright-" + hashlib.blake2b(os.fsencode(home.resolve()), digest_size=6).hexdigest()
        folder = own / name
        try:
            folder.mkdir(exist_ok=True)
            if not os.access(folder / "cgroup.kill", os.W_OK):
                raise CgroupsUnavailable("the kernel is older than 5.14, and has no cgroup.kill")
            if not os.access(own / "cgroup.procs", os.W_OK):
                raise CgroupsUnavailable(f"`{own}` belongs to another user")
        except OSError as error:
            raise CgroupsUnavailable(f"`{own}`: {error.strerror}") from error
        cgroups = cls(folder)
        cgroups.sweep()
        return cgroups

    def zygote_folder(self, name: str) -> str:
        """Make a new folder for the leaves of a zygote."""
        folder = self.folder / f"{name[:64].replace('/', '-')}-{secrets.token_hex(4)}"
        folder.mkdir()
        return str(folder)

    def find(self, keys: Collection[str]) -> Iterator[tuple[str, str]]:
        """The keys and folders of the leaves of children with these keys."""
        for leaf in self.folder.glob("*/*/"):
            with suppress(OSError):
                key = os.getxattr(leaf, KEY_ATTRIBUTE).decode()
                if key in keys:
                    yield key, str(leaf)

    def sweep(self) -> None:
        """Remove what is empty."""
        for folder in self.folder.glob("*/"):
            sweep(folder)

    def close(self) -> None:
        """Remove the folder, if nothing that children have left lives in it."""
        self.sweep()
        with suppress(OSError):
            self.folder.rmdir()


def sweep(zygote_folder: str | Path) -> None:
    """Remove a zygote's leaves that are empty, and its folder if all are."""
    for folder, _, _ in os.walk(zygote_folder, topdown=False):
        with suppress(OSError):
            os.rmdir(folder)


def _own_cgroup() -> Path:
    path = None
    for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines():
        hierarchy, _, rest = line.partition(":")
        if hierarchy == "0":
            path = rest.partition(":")[2]
    if path is None or path.startswith("/.."):
        raise CgroupsUnavailable("this process is in no cgroup of version 2 that it can see")
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        fields, _, kind = line.partition(" - ")
        if kind.startswith("cgroup2 "):
            root, mount = (_unescaped(field) for field in fields.split()[3:5])
            if path == root or path.startswith(root.rstrip("/") + "/"):
                return Path(mount + path[len(root.rstrip("/")) :])
    raise CgroupsUnavailable("no file system of cgroups of version 2 is mounted")


def _unescaped(field: str) -> str:
    """Return a path as it is, which mountinfo writes with octal numbers for spaces and the like."""
    return field.encode().decode("unicode_escape") if "\\" in field else field
