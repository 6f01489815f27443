"""Calls of a child: answered by a handler, and always answered."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from cloudwright.errors import CloudwrightError
from cloudwright.model.frames.common import Call
from cloudwright.process.frames import FrameError

#: Returns the value of a call's reply: (method, args). Raises errors.CloudwrightError to refuse the call.
Handler = Callable[[str, dict[str, Any]], Awaitable[Any]]

#: The longest message of a refusal (characters).
_LONGEST = 64 * 1024

log = logging.getLogger(__name__)


class Sender(Protocol):
    """Where replies go: a Child."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Raises TypeError, ValueError or FrameError if ``message`` cannot be sent."""


async def serve(channel: Sender, call: Call, handler: Handler, caller: str) -> None:
    """Answer ``call`` with what ``handler`` returns, or with why there is no answer.

    An exception that is no CloudwrightError is logged, with ``caller`` ("operation X"), and refuses the call.
    So does a value that is larger than a frame. Only a cancellation leaves the call without an answer.
    """
    method = call["method"]
    try:
        value = await handler(method, call["args"])
    except CloudwrightError as error:
        channel.send(_refusal(call, error, str(error)))
    except Exception as error:
        log.exception("the call `%s` of %s could not be answered", method, caller)
        why = f"The manager could not answer `{method}` ({type(error).__name__}: {error})."
        channel.send(_refusal(call, error, why))
    else:
        try:
            channel.send({"type": "reply", "id": call["id"], "value": value})
        except (TypeError, ValueError, FrameError) as error:
            channel.send(_refusal(call, error, f"The answer to `{method}` could not be sent: {error}."))


def _refusal(call: Call, error: BaseException, message: str) -> dict[str, Any]:
    # Cut: a refusal must itself fit into a frame, whatever an exception quotes.
    text = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}..."
    return {"type": "reply", "id": call["id"], "error": {"kind": type(error).__name__, "message": text}}
