"""What every bus offers, and how topics match patterns.

A topic is words joined by dots. In a pattern ``*`` stands for one word, and ``>`` as the last word for one or
more. ``topic`` joins words that may hold anything (a deployment's id may hold a dot), ``words`` takes them
apart again.

The topics in use are in ``topics.py``.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import quote, unquote

Message = dict[str, Any]

#: The topic under which a subscriber learns that it lost messages: it should look at the database once.
OVERFLOW = "overflow"


class Closed(Exception):
    """The subscription or its bus is closed, and nothing that it received is left."""


class Subscription(Protocol):
    """Receives what is published while its context is entered; ``async for`` ends when it or its bus is
    closed.

    A subscriber that is too slow loses the oldest messages and receives ``(OVERFLOW, {"lost": n})`` in their
    place.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> tuple[str, Message]: ...

    async def get(self, timeout: float | None = None) -> tuple[str, Message] | None:  # noqa: ASYNC109 - None, not an error
        """Return the next topic and message; None after ``timeout`` seconds without one. Raises Closed."""
        ...


class Bus(Protocol):
    def publish(self, topic: str, message: Message) -> None:
        """Publish to every matching subscriber, and wait for none. The message is JSON, and must not change
        afterwards.
        """
        ...

    def subscribe(self, *patterns: str) -> Subscription:
        """Return a subscription to every message whose topic matches one of the patterns, each received
        once.
        """
        ...

    async def close(self) -> None:
        """End every subscription."""
        ...


def topic(*words: str) -> str:
    """Return the topic of these words, whatever characters they hold."""
    return ".".join(quote(word, safe="").replace(".", "%2E") or "%" for word in words)


def words(topic: str) -> list[str]:
    """Return the words of a topic that ``topic`` made."""
    return ["" if word == "%" else unquote(word) for word in topic.split(".")]


def is_exact(pattern: str) -> bool:
    return not any(word in {"*", ">"} for word in pattern.split("."))


def matches(pattern: str, topic: str) -> bool:
    """Return whether a message under ``topic`` is for a subscriber to ``pattern``."""
    wanted, given = pattern.split("."), topic.split(".")
    if wanted[-1] == ">":
        wanted.pop()
        if len(given) <= len(wanted):
            return False
    elif len(given) != len(wanted):
        return False
    return all(word in {"*", other} for word, other in zip(wanted, given, strict=False))
