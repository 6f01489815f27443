"""The import of a module, tried in a child: whether a zygote may do it on behalf of all that it forks.

It may if the import only reads files and makes objects in memory. Whatever else it does belongs to the
operation that imports it: a thread would not be in forked processes, a process, a socket or a file would be
one for all.
"""

from __future__ import annotations

import _thread
import importlib
import os
import resource
import select
import signal
import sys
import threading
import time
from typing import Any, NoReturn

#: How much memory one import may take in the trial (bytes).
MEMORY = 512 << 20

#: What is done through Python's own modules: the beginnings of the names of audit events.
_ACTS = {
    "os.fork": "forks",
    "os.posix_spawn": "starts a program",
    "os.exec": "starts a program",
    "os.system": "starts a program",
    "subprocess.Popen": "starts a program",
    "pty.spawn": "starts a program",
    "socket.connect": "connects to an address",
    "socket.sendto": "sends to an address",
    "socket.getaddrinfo": "looks an address up",
    "os.mkdir": "makes a folder",
    "os.remove": "removes a file",
    "os.rename": "renames a file",
    "os.link": "makes a file",
    "os.symlink": "makes a file",
    "os.truncate": "changes a file",
    "os.putenv": "changes the environment",
    "os.unsetenv": "changes the environment",
    "os.chdir": "changes the current folder",
    "os.kill": "sends a signal",
    "tempfile.": "makes a file",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
#: As the first byte of what a trial says: it did only what is allowed.
_HARMLESS = b"+"


class Traces:
    """The state of this process that an import should not change."""

    def __init__(self) -> None:
        self._descriptors = _descriptors()
        self._handlers = _handlers()

    def left(self) -> str | None:
        """Return a description of what an import left behind, or None."""
        if len(os.listdir("/proc/self/task")) > 1:
            return "a thread"
        if _descriptors() != self._descriptors:
            return "an open file or socket"
        if _handlers() != self._handlers:
            return "a handler of a signal"
        return None


def tried(module: str, seconds: float) -> str | None:
    """Return None if a child imported ``module`` and did only what is allowed, else why it may not."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _try(module, theirs)
    os.close(theirs)
    try:
        return _verdict(ours, pid, seconds)
    finally:
        os.close(ours)


def _verdict(pipe: int, pid: int, seconds: float) -> str | None:
    """What the child says of itself, at most ``seconds`` later; nothing of it lives afterwards."""
    said, until = b"", time.monotonic() + seconds
    late = False
    while True:
        ready, _, _ = select.select([pipe], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            late = True
            break
        data = os.read(pipe, 4096)
        said += data
        # What the import started may hold the pipe open: the verdict ends with a line's end.
        if not data or said.endswith(b"\n"):
            break
    for killed in (pid, -pid):
        try:
            os.kill(killed, signal.SIGKILL)
        except ProcessLookupError:
            continue
    os.waitpid(pid, 0)
    if late:
        return f"its import took longer than {seconds:g} s"
    text = said.decode("utf-8", "replace").rstrip("\n")
    if not text:
        return "its import ended the process"
    return None if text == _HARMLESS.decode() else text


def _try(module: str, pipe: int) -> NoReturn:
    """The child: import, say how it was, and end."""
    acts: list[str] = []
    try:
        os.setsid()
        empty = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(empty, stream)
        os.close(empty)
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        size = _writable() + MEMORY
        resource.setrlimit(resource.RLIMIT_DATA, (size if most < 0 else min(size, most), most))
        sys.dont_write_bytecode = True
        _watch(acts)
        before = Traces()
        importlib.import_module(module)
        left = before.left()
        why = f"its import {acts[0]}" if acts else f"its import left {left}" if left else _HARMLESS.decode()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the import's
        why = f"its import fails in a trial: {type(error).__name__}"
        if acts:
            why = f"its import {acts[0]}"
    os.write(pipe, why.encode("utf-8", "replace")[:500] + b"\n")
    os._exit(0)


def _watch(acts: list[str]) -> None:
    """Refuse what is not allowed, and note it in ``acts``."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        act = _ACTS.get(event)
        if act is None and event.startswith("tempfile."):
            act = _ACTS["tempfile."]
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
            act = "writes to a file"
        if act is not None:
            acts.append(act)
            raise PermissionError(f"not in the trial of an import: {act}")

    sys.addaudithook(hook)

    def start_new_thread(*_: Any, **__: Any) -> NoReturn:
        acts.append("starts a thread")
        raise PermissionError("not in the trial of an import: starts a thread")

    # No audit event says that a thread starts.
    for module in (_thread, threading):
        for name in ("start_new_thread", "start_new", "_start_new_thread"):
            if hasattr(module, name):
                setattr(module, name, start_new_thread)


def _descriptors() -> set[str]:
    # The listing's own descriptor is closed by the time that it is looked at.
    return {name for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")}


def _handlers() -> list[Any]:
    return [signal.getsignal(number) for number in signal.valid_signals()]


def _writable() -> int:
    """The memory that the limit counts, as this process has it now (bytes)."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmData:"):
                return int(line.split()[1]) << 10
    return 0
