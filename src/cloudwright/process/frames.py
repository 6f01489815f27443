"""Frames: a four-byte big-endian length and that many bytes of UTF-8 JSON, one object each (see
``docs/concepts/frames.md``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any

from cloudwright.errors import CloudwrightError

#: The most that one frame's JSON may take (bytes).
MAX_FRAME = 64 * 1024 * 1024

_LENGTH = Struct(">I")
# Made once: json.dumps and json.loads would look for their options anew at each frame, and a child that was
# just forked pays for every function that it runs. NaN is not JSON.
_encoded = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_decoded = json.JSONDecoder().decode


class FrameError(CloudwrightError):
    """What arrived is not a frame, or a frame is too large; nothing after it on this stream can be
    understood.
    """


def encode(message: dict[str, Any]) -> bytes:
    """``message`` as a frame. Raises FrameError when it is larger than MAX_FRAME, TypeError or ValueError
    when it is not JSON.
    """
    # A lone surrogate (an undecodable file name in a message) is no UTF-8 and becomes a question mark.
    return pack(_encoded(message).encode("utf-8", "replace"))


def _loads(body: bytearray) -> Any:
    return _decoded(body.decode("utf-8", "surrogatepass"))


def pack(body: bytes) -> bytes:
    """``body``, JSON already, as a frame. Raises FrameError when it is larger than MAX_FRAME."""
    if len(body) > MAX_FRAME:
        raise FrameError(
            f"a frame of {len(body)} bytes is larger than the {MAX_FRAME} bytes that one may have"
        )
    return _LENGTH.pack(len(body)) + body


class Decoder:
    """Cuts a stream of bytes into messages; ``loads`` turns a frame's JSON into an object."""

    def __init__(self, loads: Callable[[bytearray], Any] = _loads) -> None:
        self._loads = loads
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The messages that ``data`` completes, in order. Raises FrameError at what is no frame."""
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(buffer, start)
                if length > MAX_FRAME:
                    raise FrameError(f"a frame says that it has {length} bytes; it may have {MAX_FRAME}")
                end = start + _LENGTH.size + length
                if len(buffer) < end:
                    return
                body = buffer[start + _LENGTH.size : end]
                start = end
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
        except ValueError as error:
            start = bytes(body[:80])
            raise FrameError(f"a frame of {len(body)} bytes is not JSON ({error}): {start!r}") from error
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise FrameError(f"a frame is not an object with a type: {bytes(body[:80])!r}")
        return message
