"""The zygote: a small single-threaded program that forks children on request, reaps them and reports how they
ended.

It talks with its supervisor over one socket of packets, each of them JSON. The supervisor sends

* first ``{"name", "path", "preload", "rehearse"}``: what to put before sys.path, what to import, and the
  function ("module:function", or null) to call so that the code of children is warm; answered ``ready`` or
  ``failed``,
* ``{"fork": id, "name", "entry", "env", "cwd", "memory_limit", "umask"}`` with two descriptors: the child's
  end of its channel, and of the pipe that becomes its standard output and error,
* ``{"signal": number, "to": id}``: for the whole process group,
* ``{"drain": true}`` with a descriptor: the output of a child that has ended, to which something that it left
  running may write;

and hears lists of ``["forked", id, pid]``, ``["refused", id, why]``, ``["exited", id, code or null, signal or
null, gone]`` and later ``["gone", id]`` where the child's process group had living members left when it
exited. At end of file it kills the groups that live and ends.

It is the reaper of everything below it (a subreaper), and the only one that signals it: a process id cannot
be used again while its process is not reaped, nor while a group has its number. So no signal ever goes
astray.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any, NoReturn

from cloudwright.process.child_setup import SOCKET, ChildSetup, ForkRequest, Hooks, import_threading
from cloudwright.process.proc_title import ProcTitle

#: The most bytes that a request may have; below what a socket holds by default.
MAX_REQUEST = 128 * 1024

#: How long to wait, at the end, for groups that were killed (seconds).
_END_SECONDS = 5.0
#: Members that are another process's children end without a sign to us; only for these is there a look from
#: time to time (seconds).
_LOOK_AT_DYING = 0.05
_LOOK_AT_LINGERING = 2.0
#: How many events go into one packet, which is far smaller than MAX_REQUEST then.
_BATCH = 500

_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_SIGNALFD_FLAGS = os.O_CLOEXEC | os.O_NONBLOCK
#: Not blocked: they say that the process itself is broken.
_FATAL = {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGABRT,
    signal.SIGTRAP,
    signal.SIGSYS,
}
#: Two that cannot be changed, and two that every Python process ignores so as to meet an error instead.
_KEPT = {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, signal.SIGXFSZ}

_libc = ctypes.CDLL(None, use_errno=True)
# Not json.loads: a request is one object with nothing around it, and so needs less.
_decoded = json.JSONDecoder().raw_decode


class Zygote:
    """Serves one supervisor until it is gone."""

    def __init__(self, control: socket.socket, title: ProcTitle, hooks: list[Hooks]) -> None:
        """``hooks`` are those that ``child_setup.import_threading`` returned."""
        self._control = control
        self._poll = select.poll()
        self._buffer = bytearray(MAX_REQUEST)
        # Children whose leader is not reaped, by process id; groups that outlive their leader, by number;
        # both to the request's id.
        self._leaders: dict[int, int] = {}
        self._lingering: dict[int, int] = {}
        self._groups: dict[int, int] = {}
        # Groups that were told to end, to the last signal that told them.
        self._doomed: dict[int, int] = {}
        self._next_look = 0.0
        self._pause = _LOOK_AT_DYING
        self._ending: float | None = None
        # As JSON: making it of numbers takes no encoder, whose memory would be copied at each fork.
        self._events: list[str] = []
        self._reaper = _block_signals()
        self.children = ChildSetup(title, hooks)

    def serve(self) -> ForkRequest | None:
        """Returns a ForkRequest in every forked child, and None at the end."""
        poll = self._poll
        poll.register(self._control, select.POLLIN)
        poll.register(self._reaper, select.POLLIN)
        while self._ending is None or (self._busy() and time.monotonic() < self._ending):
            for fd, _ in poll.poll(self._patience()):
                if fd == self._reaper:
                    self._reap()
                    continue
                fork_request = self._request()
                if fork_request is not None:
                    return fork_request
                if self._ending is not None:
                    poll.unregister(self._control)
            if self._lingering and time.monotonic() >= self._next_look:
                self._look_at_lingering()
            self._report()
        return None

    def _busy(self) -> bool:
        return bool(self._leaders) or not self._doomed.keys().isdisjoint(self._lingering)

    def _patience(self) -> float | None:
        """How long to wait for events (milliseconds)."""
        until = [self._next_look] if self._lingering else []
        if self._ending is not None:
            until.append(self._ending)
        return max(0.0, (min(until) - time.monotonic()) * 1000 + 1) if until else None

    def _request(self) -> ForkRequest | None:
        """Serve one request; a ForkRequest in the child that it forked."""
        try:
            size, ancillary, _, _ = self._control.recvmsg_into([self._buffer], 64, socket.MSG_CMSG_CLOEXEC)
        except ConnectionError:
            size, ancillary = 0, []
        if not size:
            self._end()
            return None
        request, _ = _decoded(self._buffer[:size].decode())
        if "fork" in request:
            channel, output = memoryview(ancillary[0][2]).cast("i")
            return self._fork(request, channel, output)
        if "drain" in request:
            (output,) = memoryview(ancillary[0][2]).cast("i")
            self._drain(output)
        else:
            self._signal(self._groups.get(request["to"]), request["signal"])
        return None

    def _fork(self, request: dict[str, Any], channel: int, output: int) -> ForkRequest | None:
        key = request["fork"]
        try:
            pid = os.fork()
        except OSError as error:
            self._events.append(json.dumps(["refused", key, str(error)]))
        else:
            if pid == 0:
                return request, channel, output
            self._leaders[pid] = key
            self._groups[key] = pid
            self._events.append(f'["forked", {key}, {pid}]')
        os.close(channel)
        os.close(output)
        return None

    def _drain(self, output: int) -> None:
        """Have what is written to ``output`` discarded, so that its writers neither block nor die of SIGPIPE.

        That lasts as long as anyone can write, even when this process and its supervisor are gone.
        """
        try:
            pid = os.fork()
        except OSError as error:
            print(f"what children left running has lost its output: {error}", file=sys.stderr)
        else:
            if pid == 0:
                self.children.run_drain(output)
        os.close(output)

    def _signal(self, group: int | None, signum: int) -> None:
        if group is None:
            return
        if signum in (signal.SIGTERM, signal.SIGKILL):
            self._doomed[group] = signum
            self._look_in(_LOOK_AT_DYING)
        try:
            os.killpg(group, signum)
        except ProcessLookupError:
            if group in self._leaders:
                # Just forked: it has not come to make its group yet, and it is its only member.
                os.kill(group, signum)
        except PermissionError:
            # All members have taken other users' rights. That they live on shows in that the group is not
            # gone.
            pass

    def _reap(self) -> None:
        # Many ends make one signal: who ended is found by asking. The signal is taken first, so that a later
        # end makes another.
        os.read(self._reaper, 128)
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            pid = ended.si_pid
            group = pid if pid in self._leaders else os.getpgid(pid)
            os.waitpid(pid, 0)
            if group in self._lingering:
                if not _has_members(group):
                    self._gone(group)
                continue
            key = self._leaders.pop(pid, None)
            if key is not None:
                status = ended.si_status
                how = f"{status}, null" if ended.si_code == os.CLD_EXITED else f"null, {status}"
                if _has_members(pid):
                    self._events.append(f'["exited", {key}, {how}, false]')
                    self._linger(pid, key)
                else:
                    self._events.append(f'["exited", {key}, {how}, true]')
                    del self._groups[key]
                    self._doomed.pop(pid, None)

    def _linger(self, group: int, key: int) -> None:
        if not self._lingering:
            self._look_in(_LOOK_AT_DYING if group in self._doomed else _LOOK_AT_LINGERING)
        self._lingering[group] = key

    def _gone(self, group: int) -> None:
        key = self._lingering.pop(group)
        del self._groups[key]
        self._doomed.pop(group, None)
        self._events.append(f'["gone", {key}]')

    def _look_in(self, pause: float) -> None:
        self._pause = pause
        self._next_look = time.monotonic() + pause

    def _look_at_lingering(self) -> None:
        for group in [group for group in self._lingering if not _has_members(group)]:
            self._gone(group)
        killed = {group for group in self._lingering if self._doomed.get(group) == signal.SIGKILL}
        if killed:
            # A member that its own parent does not wait for is listed even when it is dead. Only after
            # SIGKILL can a look at all processes miss no member: until then one may fork while the look
            # passes it by.
            for group in killed - _living_groups():
                self._gone(group)
        self._look_in(min(self._pause * 2, _LOOK_AT_LINGERING))

    def _end(self) -> None:
        """The supervisor is gone, or has closed: kill what runs, but not what children left behind on
        purpose.
        """
        self._ending = time.monotonic() + _END_SECONDS
        for group in [*self._leaders, *(self._doomed.keys() & self._lingering)]:
            self._signal(group, signal.SIGKILL)

    def _report(self) -> None:
        events = self._events
        while events:
            _send(self._control, f"[{','.join(events[:_BATCH])}]")
            del events[:_BATCH]


def main() -> NoReturn:
    """The program: never returns."""
    control = socket.socket(fileno=SOCKET)
    title = ProcTitle()
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _libc.prctl(_PR_SET_NAME, b"cloudwright")
    setup = json.loads(control.recv(MAX_REQUEST))
    title.show(f"cloudwright zygote {setup['name']}")
    gc.disable()
    hooks = import_threading()
    try:
        sys.path[:0] = setup["path"]
        for module in setup["preload"]:
            importlib.import_module(module)
        if setup["rehearse"]:
            module, _, function = setup["rehearse"].partition(":")
            getattr(importlib.import_module(module), function)()
    except BaseException as error:
        _send(control, json.dumps([["failed", 0, f"{type(error).__name__}: {error}"[:4000]]]))
        raise
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    zygote = Zygote(control, title, hooks)
    _send(control, '[["ready", 0]]')
    # What is alive now is never looked at by a collection in a child: looking would copy its memory.
    gc.collect()
    gc.freeze()
    fork_request = zygote.serve()
    if fork_request is None:
        os._exit(0)
    zygote.children.run_child(*fork_request)


def _block_signals() -> int:
    """Block every signal, and return a descriptor that is readable when a child has ended.

    A terminal's Ctrl-C is the supervisor's business, and a signal that reaches a new child before it has
    settled waits for it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _FATAL)
    for signum in signal.valid_signals() - _KEPT:
        # Children start with what is usual, whatever a shell or nohup made this process ignore.
        signal.signal(signum, signal.SIG_DFL)
    mask = (1 << (signal.SIGCHLD - 1)).to_bytes(8, sys.byteorder).ljust(128, b"\0")
    reaper: int = _libc.signalfd(-1, mask, _SIGNALFD_FLAGS)
    if reaper < 0:
        raise OSError(ctypes.get_errno(), "signalfd failed")
    return reaper


def _has_members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It has, with another user's rights.
        return True
    return True


def _living_groups() -> set[int]:
    """The process groups with a member that is not dead."""
    groups = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    fields = stat.read().rpartition(b")")[2].split(maxsplit=3)
            except OSError:
                continue
            if fields[0] not in (b"Z", b"X"):
                groups.add(int(fields[2]))
    return groups


def _send(control: socket.socket, events: str) -> None:
    try:
        control.send(events.encode())
    except ConnectionError:
        return  # The supervisor is gone; the next read of the socket tells.
