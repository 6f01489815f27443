"""Frames on a WebSocket: control frames overtake others, and none is longer than 64 KiB.

A longer frame goes in pieces, each a message that begins with ``+``, or with ``.`` if it is the last. A frame
that fits is one message.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cloudwright.model.frames.checking import FrameCheck
from cloudwright.process.frames import MAX_FRAME, FrameError

#: The most that one message may have (characters; as UTF-8 it stays below MAX_MESSAGE).
PIECE = 16 * 1024
MAX_MESSAGE = 128 * 1024
#: How long the network may take for one message (seconds).
WRITE_SECONDS = 10.0
#: Frames that overtake others, as the report `begun` does.
CONTROL = frozenset(
    {"welcome", "refused", "go", "revoke", "kill", "cancel", "stored", "stop", "heartbeat"}
    | {"hello", "inventory", "asks", "received", "goodbye"}
)

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class FrameSender:
    """Two queues of one connection, emptied by ``run``."""

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self._send = send
        self._control: deque[str] = deque()
        self._bulk: deque[str] = deque()
        self._wake = asyncio.Event()
        self.idle_since = asyncio.get_running_loop().time()

    def put(self, frame: Mapping[str, Any]) -> None:
        """Send a frame some time. Raises ValueError if it is no JSON."""
        text = _encode(frame).encode("utf-8", "replace").decode()
        if frame["type"] in CONTROL or frame.get("kind") == "begun":
            self._control.append(text)
        elif len(text) <= PIECE:
            self._bulk.append(text)
        else:
            last = (len(text) - 1) // PIECE * PIECE
            for place in range(0, len(text), PIECE):
                self._bulk.append(("." if place == last else "+") + text[place : place + PIECE])
        self._wake.set()

    async def run(self) -> None:
        """Send, for ever. Raises what sending raises, TimeoutError if the other side does not read."""
        while True:
            while not self._control and not self._bulk:
                self._wake.clear()
                await self._wake.wait()
            text = (self._control or self._bulk).popleft()
            async with asyncio.timeout(WRITE_SECONDS):
                await self._send(text)
            self.idle_since = asyncio.get_running_loop().time()


class FrameReader:
    """Puts the messages of one connection together to frames, and checks them."""

    def __init__(self, check: FrameCheck) -> None:
        self._check = check
        self._pieces: list[str] = []
        self._size = 0

    def feed(self, text: str) -> dict[str, Any] | None:
        """Return the frame that ``text`` completes, if it does. Raises FrameError."""
        mark = text[:1]
        if mark in "+.":
            self._size += len(text)
            if self._size > MAX_FRAME:
                raise FrameError(f"a frame is longer than {MAX_FRAME} bytes")
            self._pieces.append(text[1:])
            if mark != ".":
                return None
            text = "".join(self._pieces)
            self._pieces, self._size = [], 0
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise FrameError("a frame is not JSON") from error
        if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
            raise FrameError("a frame is not an object with a `type`")
        problem = self._check(frame)
        if problem is not None:
            raise FrameError(problem)
        return frame
