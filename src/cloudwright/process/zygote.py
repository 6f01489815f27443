"""The zygote: a small single-threaded program that forks children on request, reaps them and reports how they
ended.

It talks with its supervisor over one socket of packets, each of them JSON. The supervisor sends

* first ``{"name", "path", "preload", "rehearse", "warm", "leaves"}``: what to put before sys.path, what to
  import, the function ("module:function", or null) to call so that the code of children is warm, another one
  with what to call it with (or null), and the cgroup (or null) in which to make one for each child; replied
  to with ``["ready", 0, why, warmed]``, where ``why`` is null or says why children have no cgroups, and
  ``warmed`` is what the second function returned, or with ``failed``,
* ``{"fork": id, "name", "key", "mark", "entry", "env", "cwd", "memory_limit", "umask", "leaf", "spent"}``
  with two descriptors: the child's end of its channel, and of the pipe that becomes its standard output and
  error; ``leaf`` is the number of a cgroup that can be used again, or null, and ``spent`` those of some that
  cannot,
* ``{"drain": true}`` with a descriptor: the output of a child that has ended, to which something that it left
  running may write,
* ``{"deadline": time, "last": time}``, in seconds of CLOCK_BOOTTIME: if no later one comes, it ends at the
  first as it does at end of file, and the kernel kills it at the second, should it be stopped;

and receives lists of ``["forked", id, pid, leaf's number or null]``, ``["refused", id, why]`` and
``["exited", id, code or null, signal or null, gone]``. ``gone`` is true if nothing that the child
started lives; it is false if something does, or if that is not known. At end of file the zygote kills what
its living children have started, and ends.

It is the reaper of everything below it (a subreaper): so a process id is not used again before its end was
reported.
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
from typing import TYPE_CHECKING, Any, NoReturn

from cloudwright.process.child_setup import SOCKET, ChildSetup, ForkRequest, Hooks, import_threading
from cloudwright.process.leaves import Leaf, Leaves
from cloudwright.process.proc_title import ProcTitle

if TYPE_CHECKING:
    from cloudwright.process.boottime import Alarm, KillTimer

#: The most bytes that a request may have; below what a socket holds by default.
MAX_REQUEST = 128 * 1024

#: How long to wait, at the end, for children that were killed (seconds).
_END_SECONDS = 5.0
#: How long not to look again for leaves that have become empty (seconds).
_SWEEP_SECONDS = 1.0
#: How many events go into one packet, which is far smaller than MAX_REQUEST then.
_BATCH = 500

_PR_SET_PDEATHSIG = 1
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

    def __init__(
        self, control: socket.socket, title: ProcTitle, hooks: list[Hooks], leaves: Leaves | None
    ) -> None:
        """``hooks`` are those that ``child_setup.import_threading`` returned; ``leaves`` is None if children
        cannot have cgroups.
        """
        self._control = control
        self._leaves = leaves
        self._poll = select.poll()
        self._buffer = bytearray(MAX_REQUEST)
        # Children that are not reaped, by process id: the request's id, the child's name and key, its leaf.
        self._running: dict[int, tuple[int, tuple[str, str], Leaf | None]] = {}
        self._next_sweep = 0.0
        self._ending: float | None = None
        # Its deadline, if it was given one: what ends it, and what the kernel does if it cannot.
        self._alarm: Alarm | None = None
        self._kill_timer: KillTimer | None = None
        # As JSON: making it of numbers takes no encoder, whose memory would be copied at each fork.
        self._events: list[str] = []
        self._reaper = _block_signals()
        self.children = ChildSetup(title, hooks)

    def serve(self) -> ForkRequest | None:
        """Returns a ForkRequest in every forked child, and None at the end."""
        poll = self._poll
        poll.register(self._control, select.POLLIN)
        poll.register(self._reaper, select.POLLIN)
        while self._ending is None or (self._running and time.monotonic() < self._ending):
            for fd, _ in poll.poll(self._patience()):
                if fd == self._reaper:
                    self._reap()
                    continue
                if self._ending is not None:
                    break
                if self._alarm is not None and fd == self._alarm.fd:
                    self._pass_deadline()
                    break
                fork_request = self._request()
                if fork_request is not None:
                    return fork_request
                if self._ending is not None:
                    poll.unregister(self._control)
            self._report()
        if self._leaves is not None:
            self._leaves.close()
        return None

    def _patience(self) -> float | None:
        """Return how long to wait for events (milliseconds)."""
        return None if self._ending is None else max(0.0, (self._ending - time.monotonic()) * 1000 + 1)

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
        if "deadline" in request:
            self._set_deadline(request["deadline"], request["last"])
            return None
        if "fork" in request:
            channel, output = memoryview(ancillary[0][2]).cast("i")
            return self._fork(request, channel, output)
        (output,) = memoryview(ancillary[0][2]).cast("i")
        self._drain(output)
        return None

    def _fork(self, request: dict[str, Any], channel: int, output: int) -> ForkRequest | None:
        key = request["fork"]
        leaf = self._take_leaf(request)
        try:
            pid = os.fork() if leaf is None or self._leaves is None else self._leaves.fork(leaf)
        except OSError as error:
            if leaf is not None and self._leaves is not None:
                self._leaves.put_back(leaf)
            self._events.append(json.dumps(["refused", key, str(error)]))
        else:
            if pid == 0:
                return request, channel, output
            self._running[pid] = key, (request["name"], request["key"]), leaf
            self._events.append(f'["forked", {key}, {pid}, {"null" if leaf is None else leaf[2]}]')
        os.close(channel)
        os.close(output)
        return None

    def _set_deadline(self, deadline: float, last: float) -> None:
        if self._alarm is None or self._kill_timer is None:
            # Most zygotes never get a deadline, and this would be in the memory of every child.
            from cloudwright.process.boottime import Alarm, KillTimer  # noqa: PLC0415 - see above

            self._alarm, self._kill_timer = Alarm(), KillTimer()
            self.children.highest = max(self.children.highest, self._alarm.fd)
            self._poll.register(self._alarm.fd, select.POLLIN)
        self._kill_timer.set(last)
        self._alarm.set(deadline)

    def _pass_deadline(self) -> None:
        """Nobody extended it: another manager may soon run again what runs here."""
        print("its manager did not extend its deadline: what it runs is ended", file=sys.stderr)
        self._poll.unregister(self._control)
        if self._alarm is not None:
            self._poll.unregister(self._alarm.fd)
        self._end()

    def _take_leaf(self, request: dict[str, Any]) -> Leaf | None:
        if self._leaves is None:
            return None
        for number in request["spent"]:
            self._leaves.discard(number)
        try:
            leaf = self._leaves.take(request["key"], request["leaf"])
        except OSError as error:
            print(f"{request['key']} gets no cgroup of its own: {error}", file=sys.stderr)
            return None
        self.children.highest = max(self.children.highest, leaf[0], leaf[1])
        return leaf

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

    def _reap(self) -> None:
        # Many ends make one signal: who ended is found by asking. The signal is taken first, so that a later
        # end makes another.
        os.read(self._reaper, 128)
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)
            except ChildProcessError:
                return
            if ended is None:
                return
            child = self._running.pop(ended.si_pid, None)
            if child is None:
                self._sweep()
                continue
            key, _, leaf = child
            status = ended.si_status
            how = f"{status}, null" if ended.si_code == os.CLD_EXITED else f"null, {status}"
            # Without a leaf it takes a look at all processes to know: its supervisor looks if it must.
            gone = leaf is not None and self._leaves is not None and self._leaves.is_empty(leaf)
            self._events.append(f'["exited", {key}, {how}, {"true" if gone else "false"}]')

    def _sweep(self) -> None:
        """Something that a child had left has ended."""
        if self._leaves is not None and time.monotonic() >= self._next_sweep:
            self._leaves.sweep()
            self._next_sweep = time.monotonic() + _SWEEP_SECONDS

    def _end(self) -> None:
        """The supervisor is gone, or has closed: kill what runs, but not what children left behind on
        purpose.
        """
        self._ending = time.monotonic() + _END_SECONDS
        others = {}
        for pid, (_, names, leaf) in self._running.items():
            if leaf is not None and self._leaves is not None:
                self._leaves.kill(leaf)
            else:
                others[pid] = names
        if others:
            # Not loaded before: its pages would be every child's.
            from cloudwright.process.process_tree import kill_now  # noqa: PLC0415 - see above

            kill_now(others, os.getpid(), self._ending)

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
    # One that was stopped goes on when its manager is gone, to see that, and to end what it supervises.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)
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
        warmed = None
        if setup["warm"]:
            warm, wanted = setup["warm"]
            module, _, function = warm.partition(":")
            warmed = getattr(importlib.import_module(module), function)(wanted)
    except BaseException as error:
        _send(control, json.dumps([["failed", 0, f"{type(error).__name__}: {error}"[:4000]]]))
        raise
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    leaves, why = _leaves(setup["leaves"])
    zygote = Zygote(control, title, hooks, leaves)
    _send(control, json.dumps([["ready", 0, why, warmed]]))
    # What is alive now is never looked at by a collection in a child: looking would copy its memory.
    gc.collect()
    gc.freeze()
    fork_request = zygote.serve()
    if fork_request is None:
        os._exit(0)
    zygote.children.run_child(*fork_request)


def _leaves(folder: str | None) -> tuple[Leaves | None, str | None]:
    """Return the leaves in ``folder``; or why there are none."""
    if folder is None:
        return None, None
    try:
        return Leaves(folder), None
    except OSError as error:
        return None, str(error)


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


def _send(control: socket.socket, events: str) -> None:
    try:
        control.send(events.encode())
    except ConnectionError:
        return  # The supervisor is gone; the next read of the socket shows it.
