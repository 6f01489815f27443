"""Turns a process that the zygote has just forked into the child that was requested."""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from cloudwright.process.channel import Channel
from cloudwright.process.proc_title import CHILD_VARIABLE, GROUP_VARIABLE, ProcTitle

#: The control socket in a zygote, and the channel in a child.
SOCKET = 3

_PR_SET_PDEATHSIG = 1
#: A limit that Linux has not enforced since 2.4.25, and which children, their children and so on inherit,
#: whatever they do with their session or environment. So it shows whose they are.
_RLIMIT_LOCKS = 10
_NO_SIGNALS = bytes(128)
# Plain numbers: handing an enumeration's member to C runs much Python in every child.
_SIGKILL, _SIG_SETMASK = int(signal.SIGKILL), int(signal.SIG_SETMASK)

_libc = ctypes.CDLL(None, use_errno=True)
# Looked up once.
_prctl, _sigprocmask = _libc.prctl, _libc.sigprocmask

#: Functions to call around each fork, by when (os.register_at_fork).
Hooks = dict[str, Callable[[], Any]]
#: The supervisor's request, the child's channel, and its output. Not a class: using one for the first time,
#: in each child, touches 20 pages.
ForkRequest = tuple[dict[str, Any], int, int]


class ChildSetup:
    """The state of the zygote that its children need to leave it behind."""

    def __init__(self, title: ProcTitle, hooks: list[Hooks]) -> None:
        """``hooks`` are those that ``import_threading`` returned. The zygote must have opened every
        descriptor that it keeps.
        """
        self.title = title
        self._zygote = os.getpid()
        self._hooks = hooks
        self._lock_limit = resource.getrlimit(_RLIMIT_LOCKS)[1]
        #: The highest descriptor of the zygote.
        self.highest = max(int(name) for name in os.listdir("/proc/self/fd"))

    def run_child(self, request: dict[str, Any], channel: int, output: int) -> NoReturn:
        """Become the child. The zygote's memory stays as it is: tidying it up would copy it."""
        code = 1
        try:
            talk = self._setup_child(request, channel, output)
            module, _, function = request["entry"].partition(":")
            getattr(importlib.import_module(module), function)(talk)
            code = 0
        except SystemExit as end:
            code = _exit_code(end)
        except BaseException as error:  # noqa: BLE001 - any error is printed, and ends the process
            # From the child's own code on: this frame is of no interest to the reader.
            trace = error.__traceback__ and error.__traceback__.tb_next
            sys.excepthook(type(error), error.with_traceback(trace), trace)
        finally:
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                # Without finalisers and exit handlers: those of the zygote are not the child's to run.
                os._exit(code)

    def run_drain(self, output: int) -> NoReturn:
        """Become a ``cat`` that discards what is written to ``output``, for as long as anyone can write."""
        try:
            os.setsid()
            os.dup2(0, 1)
            os.dup2(output, 0)
            os.closerange(2, self.highest + 3)
            unblock_signals()
            path = {"PATH": os.environ.get("PATH", os.defpath)}
            os.execvpe("cat", ["cat"], path)  # noqa: S606 - no shell is wanted
        finally:
            os._exit(127)

    def _setup_child(self, request: dict[str, Any], channel: int, output: int) -> Channel:
        """Leave the zygote behind: an own session, descriptors, signals, environment and limits."""
        os.setsid()
        _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
        if os.getppid() != self._zygote:
            # The zygote died before this process had asked to die with it.
            os._exit(1)
        os.dup2(output, 1)
        os.dup2(output, 2)
        # The object that was the zygote's control socket lives to the end, and so never closes its
        # descriptor.
        os.dup2(channel, SOCKET, inheritable=False)
        # The zygote opened nothing but what it was sent for this child, and its list of descriptors was made
        # with one open.
        os.closerange(SOCKET + 1, self.highest + 3)
        unblock_signals()
        name, group = request["name"], str(os.getpid())
        self.title.show(f"cloudwright {name}")
        self.title.mark(name, group)
        for variable, value in request["env"].items():
            os.environ[variable] = value
        os.environ[CHILD_VARIABLE] = name
        os.environ[GROUP_VARIABLE] = group
        if request["umask"] is not None:
            os.umask(request["umask"])
        if request["cwd"] is not None:
            os.chdir(request["cwd"])
        if self._lock_limit == resource.RLIM_INFINITY:
            resource.setrlimit(_RLIMIT_LOCKS, (request["mark"], self._lock_limit))
        if request["memory_limit"] is not None:
            limit_memory(request["memory_limit"])
        for hooks in self._hooks:
            os.register_at_fork(**hooks)
        gc.enable()
        return Channel(SOCKET)


def limit_memory(size: int) -> None:
    """Let this process and what it starts have at most ``size`` bytes of writable memory each.

    Not of address space: a Java machine reserves far more of that than it uses. A lower limit that this
    process was given stays.
    """
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most != resource.RLIM_INFINITY:
        size = min(size, most)
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def unblock_signals() -> None:
    """Let every signal through.

    Not by the signal module, which returns an enumeration of 60 signals: a child is to touch little of its
    zygote's memory.
    """
    _sigprocmask(_SIG_SETMASK, _NO_SIGNALS, None)


def import_threading() -> list[Hooks]:
    """Import ``threading`` and ``logging``, and return the functions that they want called around forks,
    which are not called around the zygote's.

    They repair what threads that are gone may have held at a fork. The zygote has one thread, so only what
    children fork needs that: they register the functions as they are set up. Repairing nothing took each
    child 45 page faults. What other modules register is called at every fork, such as new seeds for random
    numbers.
    """
    hooks: list[Hooks] = []
    modules = ("threading", "logging")
    register = os.register_at_fork

    def keep(**hook: Callable[[], Any]) -> None:
        if all(function.__module__ in modules for function in hook.values()):
            hooks.append(hook)
        else:
            register(**hook)

    os.register_at_fork = keep  # type: ignore[assignment]
    try:
        for module in modules:
            importlib.import_module(module)
    finally:
        os.register_at_fork = register
    return hooks


def _exit_code(end: SystemExit) -> int:
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code & 0xFF
    print(end.code, file=sys.stderr)
    return 1
