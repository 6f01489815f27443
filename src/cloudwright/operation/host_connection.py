"""The connection of an operation's process to its supervisor: logs, events, calls, cancellation."""

from __future__ import annotations

import threading
from typing import Any

from cloudwright.child.rpc import Calls
from cloudwright.model.json_values import readable
from cloudwright.process.channel import Channel


class HostConnection:
    """Any thread may use it. Every method raises ChannelClosed if the supervisor is gone, and FrameError if
    it said what is not understood.
    """

    # One for all, as there is one in a process: it is made in the zygote then, and not in every child.
    _changed = threading.Condition()

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._calls = Calls(channel)
        self._receiving = False
        self._cancel_mode: str | None = None

    def begun(self, attempt: int) -> None:
        """Say that the user's code begins now."""
        self._channel.send({"type": "begun", "attempt": attempt})

    def log(self, level: str, message: str, logger: str) -> None:
        """Send one log line, whose message ``readable`` has made storable."""
        self._channel.send({"type": "log", "level": level, "message": message, "logger": logger})

    def event(self, message: str, event_type: str) -> None:
        """Send one event."""
        self._channel.send({"type": "event", "message": readable(message), "event_type": event_type})

    def end(self, frame: dict[str, Any]) -> None:
        """Send the last frame. Raises FrameError if it is too large."""
        self._channel.send({"type": "end", **frame})

    def call(self, method: str, /, **args: Any) -> Any:
        """Return the answer of the supervisor to a call, as long as it takes.

        Raises RequestRefused if it refuses, NonRecoverableError if the arguments cannot be sent.
        """
        with self._changed:
            number = self._calls.number()
        self._calls.ask(number, method, args)
        return self._value(number)

    def cancel_requested(self) -> bool:
        """Return whether the execution was asked to stop by now; does not wait."""
        with self._changed:
            if self._receiving:
                return self._cancel_mode is not None  # the thread that receives takes note of it
            self._receiving = True
        try:
            while (message := self._channel.receive(0)) is not None:
                self._take(message)
        finally:
            self._stop_receiving()
        return self._cancel_mode is not None

    def _value(self, number: int) -> Any:
        # The first thread that waits receives for all, so that no thread is needed if none asks.
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._calls.answered(number) or not self._receiving)
                if self._calls.answered(number):
                    return self._calls.value(number)
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
                self._calls.take(message)
            elif message["type"] == "cancel":
                self._cancel_mode = message["mode"]

    def _stop_receiving(self) -> None:
        with self._changed:
            self._receiving = False
            self._changed.notify_all()
