"""Frames: a four-byte big-endian length and that many bytes of UTF-8 JSON, one object each (see
``docs/concepts/frames.md``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any

from cloudwright.errors import CloudwrightError

#: The version of all frames (``model.frames``): a ``begin`` frame carries it, and a child of another version
#: refuses.
VERSION = 2
#: The most that one frame's JSON may take (bytes).
MAX_FRAME = 64 * 1024 * 1024
#: The most that a frame of a child may take (bytes): whatever a child says fits into a frame to another
#: child, with what is said around it there.
MAX_FROM_CHILD = MAX_FRAME - 64 * 1024

_LENGTH = Struct(">I")
# Made once: json.dumps and json.loads would look for their options again at each frame, and a child that was
# just forked pays for every function that it runs. NaN is not JSON.
_encoded = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_decoded = json.JSONDecoder().decode


class FrameError(CloudwrightError):
    """What arrived is not a frame or has not the shape of its type, or a frame is too large; nothing after
    it on this stream can be understood.
    """


def encode(message: dict[str, Any]) -> bytes:
    """Return ``message`` as a frame of a child.

    Raises FrameError if it is larger than MAX_FROM_CHILD, TypeError or ValueError if it is not JSON.
    """
    try:
        text = _encoded(message)
    except RecursionError:
        raise ValueError("lists and dictionaries are nested too deep") from None
    # A lone surrogate (an undecodable file name in a message) is no UTF-8 and becomes a question mark.
    return pack(text.encode("utf-8", "replace"), MAX_FROM_CHILD)


def _loads(body: bytearray) -> Any:
    return _decoded(body.decode("utf-8", "surrogatepass"))


def pack(body: bytes, limit: int = MAX_FRAME) -> bytes:
    """Return ``body``, JSON already, as a frame. Raises FrameError if it is larger than ``limit`` bytes."""
    if len(body) > limit:
        raise FrameError(f"a frame of {len(body)} bytes is larger than the {limit} bytes that one may have")
    return _LENGTH.pack(len(body)) + body


class Decoder:
    """Cuts a stream of bytes into messages.

    ``loads`` turns a frame's JSON into an object, ``check`` returns what is wrong with a message (see
    ``model.frames``) or None, ``limit`` is the most bytes that a frame may take.
    """

    def __init__(
        self,
        loads: Callable[[bytearray], Any] = _loads,
        check: Callable[[dict[str, Any]], str | None] | None = None,
        limit: int = MAX_FRAME,
    ) -> None:
        self.check = check
        self._loads = loads
        self._limit = limit
        self._buffer = bytearray()
        #: Bytes of the message that was yielded last.
        self.size = 0

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Yield the messages that ``data`` completes, in order.

        Raises FrameError for what is not a frame or has not the shape of its type.
        """
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(buffer, start)
                if length > self._limit:
                    raise FrameError(f"a frame has {length} bytes; it may have {self._limit}")
                end = start + _LENGTH.size + length
                if len(buffer) < end:
                    return
                body = buffer[start + _LENGTH.size : end]
                start = end
                self.size = length
                yield self._message(body)
        finally:
            del buffer[:start]

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete yet."""
        return len(self._buffer)

    def _message(self, body: bytearray) -> dict[str, Any]:
        try:
            message = self._loads(body)
        except (ValueError, RecursionError) as error:
            start = bytes(body[:80])
            raise FrameError(f"a frame of {len(body)} bytes is not JSON ({error}): {start!r}") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise FrameError(f"a frame is not an object with a type: {bytes(body[:80])!r}")
        problem = self.check(message) if self.check is not None else None
        if problem is not None:
            raise FrameError(problem)
        return message
