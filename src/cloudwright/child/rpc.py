"""The child's side of calls: numbers them, sends them, and makes of replies what the caller gets."""

from __future__ import annotations

from typing import Any

from cloudwright import errors
from cloudwright.child.errors import NonRecoverableError, RequestRefused
from cloudwright.model.json_values import MAX_NESTING, is_too_deep
from cloudwright.process.channel import Channel
from cloudwright.process.frames import FrameError

#: The HTTP status that says the same as a refusal; 400 says the same as the others.
_STATUS = {"Unauthorized": 401, "Forbidden": 403, "NotFound": 404, "Conflict": 409, "Unavailable": 503}


class Calls:
    """The calls of one child.

    Any thread may ask; ``take``, ``answered`` and ``value`` need a lock that the threads of the process
    share.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._last = 0
        self._replies: dict[int, dict[str, Any]] = {}

    def number(self) -> int:
        """Return the number of the next call. Needs the lock."""
        self._last += 1
        return self._last

    def ask(self, number: int, method: str, args: dict[str, Any]) -> None:
        """Send a call.

        Raises NonRecoverableError if its arguments cannot be sent, and nothing was sent then; ChannelClosed
        if the supervisor is gone.
        """
        for name, value in args.items():
            if is_too_deep(value):
                raise NonRecoverableError(
                    f"`{method}` cannot be called: `{name}` is nested deeper than the {MAX_NESTING} "
                    "levels that a value may have."
                )
        try:
            self._channel.send({"type": "call", "id": number, "method": method, "args": args})
        except (TypeError, ValueError, FrameError) as error:
            raise NonRecoverableError(f"`{method}` cannot be called: {error}.") from error

    def take(self, reply: dict[str, Any]) -> None:
        """Keep a reply that was received until it is asked for. Needs the lock."""
        self._replies[reply["id"]] = reply

    def answered(self, number: int) -> bool:
        """Return whether the reply to this call was received. Needs the lock."""
        return number in self._replies

    def value(self, number: int) -> Any:
        """Return the value of the reply to this call. Raises RequestRefused. Needs the lock."""
        reply = self._replies.pop(number)
        error = reply.get("error")
        if error is not None:
            raise refusal(error)
        return reply.get("value")


def refusal(error: dict[str, Any]) -> RequestRefused:
    """Return the exception that the caller gets for the error of a reply."""
    kind = error["kind"]
    code = getattr(getattr(errors, kind, None), "code", errors.CloudwrightError.code)
    return RequestRefused(error["message"] or kind, None, _STATUS.get(kind, 400), code)
