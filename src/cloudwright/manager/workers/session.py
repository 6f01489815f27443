"""One connection of a worker on another machine, as the manager has it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cloudwright.worker.frame_stream import FrameSender


class WorkerSession:
    """``number`` is what the database knows this connection by; ``heard`` is when a frame came last (seconds
    of the event loop).
    """

    def __init__(self, number: int, life: str, send: Callable[[str], Awaitable[None]]) -> None:
        self._loop = asyncio.get_running_loop()
        self.number = number
        self.life = life
        self.heard = self._loop.time()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._sender = FrameSender(send)

    def send(self, frame: Mapping[str, Any]) -> None:
        """Send a frame some time, or never if the connection ends before. Raises ValueError, TypeError."""
        self._sender.put(frame)

    def listen(self) -> None:
        self.heard = self._loop.time()

    def close(self) -> None:
        """Let go of the connection: its task ends."""
        if not self.closed.done():
            self.closed.set_result(None)

    async def run(self, heartbeat: float) -> None:
        """Send what is to be sent, until the connection fails or is closed."""
        tasks = [asyncio.ensure_future(self._sender.run()), asyncio.ensure_future(self._beat(heartbeat))]
        try:
            await asyncio.wait([*tasks, self.closed], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.exception()  # That the worker is gone is seen by its silence.
            self.close()

    async def _beat(self, heartbeat: float) -> None:
        while True:
            await asyncio.sleep(heartbeat)
            self.send({"type": "heartbeat"})
