"""The operation's side of the talk with its supervisor: logs, events, questions, cancellation."""

from __future__ import annotations

import threading
from typing import Any

from cloudwright import errors
from cloudwright.model.json_values import readable
from cloudwright.operation.errors import NonRecoverableError, RequestRefused
from cloudwright.process.channel import Channel
from cloudwright.process.frames import FrameError

#: The HTTP status that says the same as a refusal; 400 says the same as the others.
_STATUS = {"Unauthorized": 401, "Forbidden": 403, "NotFound": 404, "Conflict": 409, "Unavailable": 503}


class Supervisor:
    """Any thread may use it. Every method raises ChannelClosed when the supervisor is gone."""

    # One for all, as there is one in a process: it is made in the zygote then, and not in every child.
    _changed = threading.Condition()

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._receiving = False
        self._last_id = 0
        self._replies: dict[int, dict[str, Any]] = {}
        self._cancel_mode: str | None = None

    def log(self, level: str, message: str, logger: str) -> None:
        self._channel.send({"type": "log", "level": level, "message": readable(message), "logger": logger})

    def event(self, message: str, event_type: str) -> None:
        self._channel.send({"type": "event", "message": readable(message), "event_type": event_type})

    def end(self, frame: dict[str, Any]) -> None:
        """Send the last frame. Raises FrameError where it is too large."""
        self._channel.send({"type": "end", **frame})

    def call(self, method: str, /, **args: Any) -> Any:
        """Ask the supervisor and wait for the answer, as long as it takes.

        Raises RequestRefused when it says no, NonRecoverableError when the question cannot be sent.
        """
        with self._changed:
            self._last_id += 1
            number = self._last_id
        try:
            self._channel.send({"type": "call", "id": number, "method": method, "args": args})
        except (TypeError, ValueError, FrameError) as error:
            raise NonRecoverableError(f"`{method}` could not be asked for: {error}") from error
        reply = self._reply(number)
        if "error" in reply:
            raise refusal(reply["error"])
        return reply.get("value")

    def cancel_requested(self) -> bool:
        """Whether the execution was asked to stop by now; does not wait."""
        with self._changed:
            if self._receiving:
                return self._cancel_mode is not None  # whoever receives takes note of it
            self._receiving = True
        try:
            while (message := self._channel.receive(0)) is not None:
                self._take(message)
        finally:
            self._stop_receiving()
        return self._cancel_mode is not None

    def _reply(self, number: int) -> dict[str, Any]:
        # Whoever waits first receives for everybody, so that no thread is needed where nobody asks anything.
        while True:
            with self._changed:
                self._changed.wait_for(lambda: number in self._replies or not self._receiving)
                if number in self._replies:
                    return self._replies.pop(number)
                self._receiving = True
            try:
                message = self._channel.receive()
                if message is not None:
                    self._take(message)
            finally:
                self._stop_receiving()

    def _take(self, message: dict[str, Any]) -> None:
        with self._changed:
            if message["type"] == "reply":
                self._replies[message["id"]] = message
            elif message["type"] == "cancel":
                self._cancel_mode = str(message.get("mode"))

    def _stop_receiving(self) -> None:
        with self._changed:
            self._receiving = False
            self._changed.notify_all()


def refusal(error: dict[str, Any]) -> RequestRefused:
    """The ``error`` of a ``reply`` frame as the exception that whoever asked sees."""
    kind = str(error.get("kind"))
    code = getattr(getattr(errors, kind, None), "code", errors.CloudwrightError.code)
    return RequestRefused(str(error.get("message") or kind), None, _STATUS.get(kind, 400), code)
