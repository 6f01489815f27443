"""Server-sent events: the lines of a stream as messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Message:
    """``kind`` is the name that the sender gave it; ``data`` is what its JSON held."""

    kind: str
    data: Any


def split_lines(parts: Iterable[bytes]) -> Iterator[str]:
    """The lines of a body that comes in parts, without their ends; an unfinished last line is dropped.

    Only a line feed ends a line: what an operation printed may hold every other character that some take for
    the end of one.
    """
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")


def read_messages(lines: Iterable[str]) -> Iterator[Message]:
    """Messages from the lines of a body. One that was cut off at the end is dropped: it is sent again."""
    kind = "message"
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield Message(kind, json.loads("\n".join(data)))
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            kind = value
        # An empty name is a comment, which is how the sender shows that it is alive.
