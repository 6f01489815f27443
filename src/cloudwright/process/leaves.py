"""Cgroups for children: each child of a zygote is born in a cgroup v2 of its own, a *leaf*.

Whatever a child starts is in its leaf too, whatever session, group, parent or environment it has. A process
that is moved into a cgroup waits for all processors (11 ms on an idle machine), one that is born there
does not: so leaves need ``clone3``, which Python's ``os.fork`` does not use. A leaf that is empty when its
child has ended is used again, because making and removing one takes 90 µs.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
from contextlib import suppress

#: What leaves carry as an extended attribute: the key of the child that runs, or ran, in it.
KEY_ATTRIBUTE = "user.cloudwright"

_SYS_CLONE3 = 435
_CLONE_CHILD_CLEARTID = 0x00200000
_CLONE_CHILD_SETTID = 0x01000000
_CLONE_INTO_CGROUP = 0x200000000
_PR_GET_TID_ADDRESS = 40

# A library that keeps the interpreter's lock: the child must not meet it released.
_libc = ctypes.PyDLL(None, use_errno=True)
_before, _after_in_parent, _after_in_child = (
    getattr(ctypes.pythonapi, f"PyOS_{name}")
    for name in ("BeforeFork", "AfterFork_Parent", "AfterFork_Child")
)

#: The descriptors of a leaf's folder and of its cgroup.events, and its number.
Leaf = tuple[int, int, int]


class _CloneArguments(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("flags", "pidfd", "child_tid", "parent_tid", "exit_signal")),
        *((name, ctypes.c_uint64) for name in ("stack", "stack_size", "tls", "set_tid", "set_tid_size")),
        ("cgroup", ctypes.c_uint64),
    )


class Leaves:
    """The leaves of one zygote, in its own folder of the cgroup file system."""

    def __init__(self, folder: str) -> None:
        """Raises OSError if no child can be born in ``folder``."""
        self._folder = folder
        self._made = 0
        # By number: leaves that can be used, and of these those that only this process knows of.
        self._open: dict[int, Leaf] = {}
        self._unused: list[Leaf] = []
        # Numbers of leaves whose child has ended and which are not empty.
        self._left: list[int] = []
        self._clone = _CloneArguments(
            flags=_CLONE_CHILD_SETTID | _CLONE_CHILD_CLEARTID | _CLONE_INTO_CGROUP,
            child_tid=_thread_id_address(),
            exit_signal=signal.SIGCHLD,
        )
        self._reference = ctypes.byref(self._clone)
        self._size = ctypes.sizeof(self._clone)
        leaf = self.take("trial", None)
        pid = self.fork(leaf)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        self.put_back(leaf)

    def take(self, key: str, number: int | None) -> Leaf:
        """Return a leaf for the child with this key: number ``number``, which the supervisor looks at no
        more, or another. Raises OSError if none can be made.
        """
        leaf = self._open.get(-1 if number is None else number)
        if leaf is None:
            leaf = self._unused.pop() if self._unused else self._make()
        os.setxattr(leaf[0], KEY_ATTRIBUTE, key.encode())
        return leaf

    def put_back(self, leaf: Leaf) -> None:
        """No child was born in ``leaf``, as far as the supervisor knows."""
        self._unused.append(leaf)

    def fork(self, leaf: Leaf) -> int:
        """``os.fork``, into ``leaf``.

        The C library's own ``fork`` would do more if there are several threads, and register robust
        mutexes, which Python does not have.
        """
        self._clone.cgroup = leaf[0]
        _before()
        pid: int = _libc.syscall(_SYS_CLONE3, self._reference, self._size)
        if pid == 0:
            _after_in_child()
            return 0
        # Read first: what follows may change it.
        code = ctypes.get_errno()
        _after_in_parent()
        if pid < 0:
            raise OSError(code, os.strerror(code))
        return pid

    def is_empty(self, leaf: Leaf) -> bool:
        """Return whether nothing lives in ``leaf``, whose child has ended; if something does, it is not used
        again.
        """
        empty = not _is_populated(leaf[1])
        if not empty:
            self.discard(leaf[2])
        return empty

    def discard(self, number: int) -> None:
        """Use this leaf no more, and remove it once it is empty."""
        folder, events, _ = self._open.pop(number)
        os.close(folder)
        os.close(events)
        if not self._remove(number):
            self._left.append(number)

    def kill(self, leaf: Leaf) -> None:
        """SIGKILL every process of ``leaf``, those that are being forked included."""
        fd = os.open("cgroup.kill", os.O_WRONLY | os.O_CLOEXEC, dir_fd=leaf[0])
        try:
            os.write(fd, b"1")
        finally:
            os.close(fd)
        # The kernel passes over processes whose first thread has ended.
        fd = os.open("cgroup.procs", os.O_RDONLY | os.O_CLOEXEC, dir_fd=leaf[0])
        try:
            for pid in os.read(fd, 65536).split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        finally:
            os.close(fd)

    def sweep(self) -> None:
        """Remove the leaves that what children left running has left in turn."""
        self._left = [number for number in self._left if not self._remove(number)]

    def close(self) -> None:
        """Remove every leaf that is empty, and the folder if all are."""
        self._left += self._open
        self.sweep()
        if not self._left:
            _remove(self._folder)

    def _make(self) -> Leaf:
        number = self._made
        path = f"{self._folder}/{number}"
        os.mkdir(path)
        self._made += 1
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        events = os.open("cgroup.events", os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
        self._open[number] = leaf = folder, events, number
        return leaf

    def _remove(self, number: int) -> bool:
        return _remove(f"{self._folder}/{number}")


def _is_populated(events: int) -> bool:
    return b"populated 1" in os.pread(events, 64, 0)


def _remove(folder: str) -> bool:
    """Whether the cgroup is gone by now: it is not if something lives in it."""
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # What lived in it may have made others below it, which have to go first.
        below = [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
        return bool(below) and all(_remove(path) for path in below) and _remove(folder)
    return True


def _thread_id_address() -> int:
    """Where the C library keeps the thread's number, which a fork has to write again."""
    if not hasattr(_libc, "gnu_get_libc_version"):
        raise OSError(errno.EOPNOTSUPP, "clone3 is used with the GNU C library only")
    address = ctypes.c_void_p()
    if _libc.prctl(_PR_GET_TID_ADDRESS, ctypes.byref(address)) or address.value is None:
        raise OSError(ctypes.get_errno(), "the kernel does not say where the thread's number is")
    return address.value
