"""The child's side of its channel: frames to and from its supervisor, over one socket, blocking."""

from __future__ import annotations

import select
import socket
import time
from _thread import allocate_lock
from collections import deque
from collections.abc import Callable
from typing import Any

from cloudwright.errors import CloudwrightError
from cloudwright.process import frames
from cloudwright.process.frames import VERSION, FrameError

# Below what malloc maps again for every read.
_CHUNK = 64 * 1024


class ChannelClosed(CloudwrightError):
    """The supervisor is gone or has closed the channel: the child has nothing to work for, and must end."""


class Channel:
    """Any thread may send; one thread at a time may receive."""

    def __init__(self, fd: int) -> None:
        """Take ``fd``, a connected stream socket, over."""
        self._socket = socket.socket(fileno=fd)
        self._sending = allocate_lock()
        self._decoder = frames.Decoder()
        self._received: deque[dict[str, Any]] = deque()
        self._fault: FrameError | None = None

    def send(self, message: dict[str, Any]) -> None:
        """Send one frame; blocks while the supervisor is behind.

        Raises TypeError or ValueError if ``message`` is not JSON and FrameError if it is too large (nothing
        was sent then), ChannelClosed if the supervisor is gone.
        """
        frame = frames.encode(message)
        try:
            with self._sending:
                self._socket.sendall(frame)
        except OSError as error:
            raise ChannelClosed(f"The supervisor of this process is gone ({error}).") from error

    def receive_begin(self, check: Callable[[Any], str | None] | None = None) -> dict[str, Any]:
        """Return the first frame. From here on every frame is checked with ``check`` (``model.frames``), if
        the supervisor has not done that.

        Raises FrameError if it is no ``begin`` frame of this version, ChannelClosed at end of file.
        """
        self._decoder.check = check
        begin = self.receive()
        if begin is None or begin["type"] != "begin":
            raise FrameError(f"the first frame is {begin and begin['type']!a} instead of `begin`")
        if begin["version"] != VERSION:
            raise FrameError(
                f"the supervisor speaks version {begin['version']} of the frames, and this process version "
                f"{VERSION}: both must be of one version of Cloudwright"
            )
        return begin

    def receive(self, timeout: float | None = None) -> dict[str, Any] | None:
        """Return the next frame, or None if none came within ``timeout`` seconds (None: wait for ever, 0:
        only look).

        Raises ChannelClosed at end of file, FrameError for what is not a frame, and again for every call
        after it.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._received:
            if self._fault is not None:
                raise self._fault
            if deadline is not None and not self._readable(max(0.0, deadline - time.monotonic())):
                return None
            try:
                data = self._socket.recv(_CHUNK)
            except OSError as error:
                raise ChannelClosed(f"The supervisor of this process is gone ({error}).") from error
            if not data:
                raise ChannelClosed("The supervisor of this process is gone (end of file).")
            try:
                self._received.extend(self._decoder.feed(data))
            except FrameError as error:
                self._fault = error
        return self._received.popleft()

    def fileno(self) -> int:
        """Return the socket's descriptor. Frames may be waiting inside this object while nothing can be read
        from it.
        """
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def _readable(self, timeout: float) -> bool:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(timeout * 1000))
