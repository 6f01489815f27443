"""A forked child, as its supervisor sees it: what goes in and out, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cloudwright.process import fast_json
from cloudwright.process.frames import MAX_FROM_CHILD, Decoder, FrameError, pack
from cloudwright.process.limits import HANG_UP_SECONDS
from cloudwright.process.proc_title import MAX_NAME
from cloudwright.process.process_table import child_key

#: The most bytes of frames that may wait for a child to read them, over and above one frame.
SEND_LIMIT = 64 * 1024 * 1024

_CHUNK = 64 * 1024
#: The most that a pipe may hold: what a dead leader wrote is at most this far back, even if others write on.
_PIPE_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to fork.

    ``name`` is what its processes are found by (``orphans``, ``ps``), at most 128 bytes; ``entry`` is
    "package.module:function", called with the child's Channel. ``env`` is added to the zygote's environment.
    ``cwd`` None is the root directory. ``memory_limit`` is in bytes of writable memory. ``check`` is the
    check of what it says (``model.frames``): a child whose frame does not pass is killed. ``check_sent`` is
    that of what it is sent, for a child that does not check it. ``attempt`` distinguishes children of one
    name, if an earlier one may have left something running.
    """

    name: str
    entry: str
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    memory_limit: int | None = None
    umask: int | None = None
    check: Callable[[Mapping[str, Any]], str | None] | None = None
    check_sent: Callable[[Mapping[str, Any]], str | None] | None = None
    attempt: int = 0

    def __post_init__(self) -> None:
        if not self.name or "\0" in self.name or len(self.name.encode()) > MAX_NAME:
            raise ValueError(f"a child's name has 1 to {MAX_NAME} bytes and no NUL: {self.name!r}")


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """How a process ended: one of the two is None."""

    code: int | None = None
    signal: int | None = None

    def describe(self) -> str:
        """ "exit code 3", or "signal 9 (SIGKILL)"."""
        if self.signal is None:
            return f"exit code {self.code}"
        try:
            name = signal.Signals(self.signal).name
        except ValueError:
            return f"signal {self.signal}"
        return f"signal {self.signal} ({name})"


class ChildObserver(Protocol):
    """Receives what a child says; called in the event loop, one call at a time, never after ``exited``."""

    def frame(self, message: dict[str, Any]) -> None:
        """A frame that the child sent."""

    def output(self, data: bytes) -> None:
        """Bytes that the child wrote to its standard output or error."""

    def exited(self, status: ExitStatus) -> None:
        """The child is dead: once, after every frame and all output from before."""


class Child:
    """``exit`` is set when the child is dead, ``tree_gone`` when nothing that it started lives
    any more.

    ``fault`` says why its supervisor killed it (it broke the protocol), or what it died with, or is None.
    """

    def __init__(
        self,
        spec: ChildSpec,
        observer: ChildObserver,
        channel: socket.socket,
        output: int,
        end_tree: Callable[[Child, int], None],
        members: Callable[[Child], Awaitable[Collection[Any]]],
        leave_output: Callable[[int], None],
    ) -> None:
        """Made by a Zygote only; takes ``channel`` and ``output`` (a pipe's descriptor), both not blocking,
        over.
        """
        loop = asyncio.get_running_loop()
        self.name = spec.name
        self.key = child_key(spec.name, spec.attempt)
        self.pid = 0
        #: The number of its cgroup in its zygote's; None if it has none.
        self.leaf: int | None = None
        self.exit: asyncio.Future[ExitStatus] = loop.create_future()
        self.tree_gone: asyncio.Future[None] = loop.create_future()
        self.fault: str | None = None
        self._loop = loop
        self._observer: ChildObserver | None = observer
        self._end_tree = end_tree
        self._members = members
        self._leave_output = leave_output
        self._decoder = Decoder(fast_json.loads, spec.check, MAX_FROM_CHILD)
        self._check_sent = spec.check_sent
        self._channel: socket.socket | None = channel
        self._output: int | None = output
        self._reading = False
        # Its end, if that arrived before ``listen``.
        self._ended: tuple[ExitStatus, bool] | None = None
        self._heard = False
        self._hang_up: asyncio.TimerHandle | None = None
        # Frames that wait for the child to read, and their bytes.
        self._outgoing: deque[memoryview] = deque()
        self._waiting = 0

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a frame: at once, or as the child reads, never blocking. Dropped when the child does not
        listen any more.

        A child that lets more than 64 MiB wait is killed. Raises TypeError or ValueError if ``message`` is
        not JSON, FrameError if it is too large or has not the shape of its type.
        """
        problem = self._check_sent(message) if self._check_sent is not None else None
        if problem is not None:
            raise FrameError(problem)
        frame = memoryview(pack(fast_json.dumps(message)))
        if self._channel is None:
            return
        if self._outgoing:
            if self._waiting + len(frame) > SEND_LIMIT:
                self._break(f"it does not read what it is sent: {self._waiting} bytes wait for it")
                return
        else:
            try:
                frame = frame[self._channel.send(frame) :]
            except BlockingIOError:
                pass
            except ConnectionError:
                return
            if not frame:
                return
            self._loop.add_writer(self._channel.fileno(), self._write)
        self._outgoing.append(frame)
        self._waiting += len(frame)

    def signal(self, signum: int) -> None:
        """End all that the child started, by SIGTERM or SIGKILL; does nothing if nothing of it lives.

        At SIGTERM the child's own process gets its signal last: see ``tree_ending``.
        """
        if not self.tree_gone.done():
            self._end_tree(self, signum)

    async def is_gone(self) -> bool:
        """Return whether the child and all that it started are dead."""
        if not self.tree_gone.done() and self.exit.done() and not await self._members(self):
            self.gone()
        return self.tree_gone.done()

    def pause(self) -> None:
        """Hand on no frames for now: the child blocks when it has filled its socket. Its end is reported
        regardless.
        """
        if self._reading and self._channel is not None:
            self._loop.remove_reader(self._channel.fileno())
        self._reading = False

    def resume(self) -> None:
        """Hand on frames again, those first that were read already."""
        if not self._reading and self._channel is not None:
            self._loop.add_reader(self._channel.fileno(), self._read_channel)
            self._reading = True
            if self._decoder.pending:
                self._loop.call_soon(self._deliver_waiting)

    @property
    def frame_size(self) -> int:
        """Bytes of the frame that its observer was called with last."""
        return self._decoder.size

    # For the Zygote.

    @property
    def ended(self) -> bool:
        """Whether its end has arrived, though maybe not reported yet."""
        return self._ended is not None

    def listen(self) -> None:
        """Begin to call the observer: the caller of ``fork`` has the child."""
        self._heard = True
        self.resume()
        if self._output is not None:
            self._loop.add_reader(self._output, self._read_output)
        if self._ended is not None:
            self._loop.call_soon(self.exited, *self._ended)

    def abandon(self) -> None:
        """End it without a report to the observer: its caller has gone."""
        self._observer = None
        self.signal(signal.SIGKILL)
        self.release()
        self.listen()

    def exited(self, status: ExitStatus, tree_gone: bool) -> None:
        """Its process is dead, and maybe its tree: read what it said before that, and report."""
        self._ended = status, tree_gone
        if self._hang_up is not None:
            self._hang_up.cancel()
        if not self._heard:
            return
        while self._read_channel():
            pass
        self._deliver(b"", whole=True)
        self._close_channel()
        room = _PIPE_LIMIT
        while room > 0 and (size := self._read_output()):
            room -= size
        if self._output is not None:
            # Something that it left running has its output yet, and may be meant to outlive this process too.
            self._loop.remove_reader(self._output)
            os.set_blocking(self._output, True)
            self._leave_output(self._output)
            self._output = None
        if not self.exit.done():
            self.exit.set_result(status)
        if tree_gone:
            self.gone()
        if self._observer is not None:
            self._tell(self._observer.exited, status)

    def gone(self) -> None:
        """No member of its group lives."""
        if not self.tree_gone.done():
            self.tree_gone.set_result(None)

    def release(self) -> None:
        """Close every descriptor; nothing is read any more."""
        self._close_channel()
        self._close_output()

    def _read_channel(self) -> bool:
        """Read once; whether there may be more."""
        if self._channel is None:
            return False
        try:
            data = self._channel.recv(_CHUNK)
        except BlockingIOError:
            return False
        except ConnectionError:
            data = b""
        if not data:
            self._deliver(b"", whole=True)
            self._close_channel()
            if self._ended is None:
                # Most often because it is about to end. One that lives on without it can neither say nor be
                # notified any more.
                self._hang_up = self._loop.call_later(HANG_UP_SECONDS, self._hung_up)
            return False
        self._deliver(data)
        return True

    def _deliver(self, data: bytes, whole: bool = False) -> None:
        """Hand on the frames that ``data`` completes, until the observer pauses; all of them if ``whole``, or
        if the child is dead. The others wait in the decoder.
        """
        try:
            for message in self._decoder.feed(data):
                if self._observer is not None:
                    self._tell(self._observer.frame, message)
                if not (self._reading or whole or self._ended):
                    break
        except FrameError as error:
            self._break(f"what it sent is not understood: {error}")

    def _deliver_waiting(self) -> None:
        if self._reading:
            self._deliver(b"")

    def _read_output(self) -> int:
        """Read once; how many bytes there were."""
        if self._output is None:
            return 0
        try:
            data = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return 0
        if not data:
            self._close_output()
        elif self._observer is not None:
            self._tell(self._observer.output, data)
        return len(data)

    def _write(self) -> None:
        while self._outgoing and self._channel is not None:
            frame = self._outgoing[0]
            try:
                sent = self._channel.send(frame)
            except BlockingIOError:
                return
            except ConnectionError:
                self._drop_outgoing()
                return
            self._waiting -= sent
            if sent < len(frame):
                self._outgoing[0] = frame[sent:]
            else:
                self._outgoing.popleft()
        self._drop_outgoing()

    def _break(self, fault: str) -> None:
        """It broke the protocol: nothing that it says counts any more."""
        self.fault = fault
        self._close_channel()
        self.signal(signal.SIGKILL)

    def _hung_up(self) -> None:
        self._break("it closed its connection to its supervisor and continued to run")

    def _drop_outgoing(self) -> None:
        if self._channel is not None:
            self._loop.remove_writer(self._channel.fileno())
        self._outgoing.clear()
        self._waiting = 0

    def _close_channel(self) -> None:
        if self._channel is not None:
            self.pause()
            if self._outgoing:
                self._drop_outgoing()
            self._channel.close()
            self._channel = None

    def _close_output(self) -> None:
        if self._output is not None:
            self._loop.remove_reader(self._output)
            os.close(self._output)
            self._output = None

    def _tell(self, observer: Callable[[Any], None], what: Any) -> None:
        try:
            observer(what)
        except Exception as error:  # noqa: BLE001 - an observer's fault must not stop later reports
            self._loop.call_exception_handler(
                {"message": f"what child {self.name} said could not be handled", "exception": error}
            )
