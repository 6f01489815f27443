"""Reports that wait until the manager has stored them, and calls that wait for their replies."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from cloudwright import errors
from cloudwright.errors import CloudwrightError, Unavailable
from cloudwright.worker.journal import Key

#: Lines of output that wait for the manager (characters, about); beyond this they are counted and dropped.
MAX_WAITING = 64 * 1024 * 1024
#: Methods that change nothing, so that they may be called twice.
_READING = frozenset(
    {"node_instance", "node_instances", "node", "evaluate", "execution", "deployment", "read_resource"}
)


def _refusal(kind: str, message: str) -> CloudwrightError:
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, CloudwrightError):
        return found(message)
    return CloudwrightError(message)


class Reports:
    """Messages that are sent again in each connection until they are acknowledged. ``send`` sends one if
    there is a connection.
    """

    def __init__(self, send: Callable[[Mapping[str, Any]], None]) -> None:
        self._send = send
        self._numbers = itertools.count(1)
        self._calls = itertools.count(1)
        self._reports: dict[int, tuple[dict[str, Any], asyncio.Future[None], int]] = {}
        self._pending: dict[int, tuple[dict[str, Any], asyncio.Future[Any]]] = {}
        self._waiting = 0
        self._manager: str | None = None

    def add(self, key: Key, kind: str, content: Mapping[str, Any]) -> asyncio.Future[None]:
        """Send a report; returns what is done once it is stored, or is dropped because too much waits."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        size = len(str(content.get("message", ""))) + 200 if kind == "message" else 0
        if size and self._waiting > MAX_WAITING:
            stored.set_result(None)
            return stored
        number = next(self._numbers)
        frame = {"type": "report", "number": number, "operation": key[0], "attempt": key[1]}
        frame |= {"kind": kind, "content": dict(content)}
        self._reports[number] = frame, stored, size
        self._waiting += size
        self._send(frame)
        return stored

    def stored(self, numbers: list[int]) -> list[dict[str, Any]]:
        """Forget what the manager has stored, and return it."""
        found = []
        for number in numbers:
            entry = self._reports.pop(number, None)
            if entry is not None:
                frame, stored, size = entry
                self._waiting -= size
                stored.set_result(None)
                found.append(frame)
        return found

    async def call(self, key: Key, method: str, args: Mapping[str, Any]) -> Any:
        """Return the manager's reply to a call. Raises errors.CloudwrightError if it refuses."""
        number = next(self._calls)
        frame = {"type": "call", "operation": key[0], "attempt": key[1], "id": number}
        frame |= {"method": method, "args": dict(args)}
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[number] = frame, answer
        self._send(frame)
        try:
            return await answer
        finally:
            self._pending.pop(number, None)

    def reply(self, frame: Mapping[str, Any]) -> None:
        entry = self._pending.get(frame["id"])
        if entry is None or entry[1].done():
            return
        error = frame.get("error")
        if error is not None:
            entry[1].set_exception(_refusal(error["kind"], error["message"]))
        else:
            entry[1].set_result(frame.get("value"))

    def connected(self, manager: str) -> None:
        """Send everything again.

        ``manager`` is another after a start of the manager, which then does not know whether it had carried
        out a call: one that changes something is refused.
        """
        for frame, _, _ in list(self._reports.values()):
            self._send(frame)
        for frame, answer in list(self._pending.values()):
            known = self._manager is None or manager == self._manager
            if known or frame["method"] in _READING or frame["args"].get("method") == "GET":
                self._send(frame)
            elif not answer.done():
                answer.set_exception(
                    Unavailable(
                        "The manager was started again while it answered: it is not known whether what "
                        "was asked for was done."
                    )
                )
        self._manager = manager
