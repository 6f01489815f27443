"""Frames on a WebSocket: in pieces, in their order of urgency, and checked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cloudwright.model.frames.worker import check_from_worker, check_to_worker
from cloudwright.process.frames import FrameError
from cloudwright.worker.frame_stream import MAX_MESSAGE, FrameReader, FrameSender


def report(number: int, text: str) -> dict[str, Any]:
    content = {"type": "log", "level": "info", "message": text, "logger": "x"}
    frame = {"type": "report", "number": number, "operation": "o", "attempt": 1}
    return frame | {"kind": "message", "content": content}


def sent(*frames: dict[str, Any]) -> list[str]:
    messages: list[str] = []

    async def send(text: str) -> None:
        messages.append(text)

    async def run() -> None:
        sender = FrameSender(send)
        for frame in frames:
            sender.put(frame)
        sending = asyncio.ensure_future(sender.run())
        await asyncio.sleep(0)
        while sender._control or sender._bulk:
            await asyncio.sleep(0)
        sending.cancel()

    asyncio.run(run())
    return messages


def read(messages: list[str]) -> list[dict[str, Any]]:
    reader = FrameReader(check_from_worker)
    return [frame for text in messages if (frame := reader.feed(text)) is not None]


@pytest.mark.parametrize("text", ["short", "x" * 16_000, "x" * 16_384, "\u20ac\U0001f600" * 200_000])
def test_a_frame_of_any_length_arrives_in_messages_that_are_small(text: str) -> None:
    messages = sent(report(1, text))
    assert all(len(message.encode()) <= MAX_MESSAGE for message in messages)
    assert read(messages) == [report(1, text)]


def test_what_is_urgent_overtakes_what_is_long() -> None:
    asks = {"type": "asks", "operation": "o", "attempt": 1, "asking": 1}
    long = report(1, "x" * 1_000_000)
    found = read(sent(long, asks))
    assert [frame["type"] for frame in found] == ["asks", "report"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        ('{"type": 1}', "not an object"),
        ('{"type": "go"}', "unknown type"),
        ('{"type": "asks", "operation": "o", "attempt": "1", "asking": 1}', "`attempt`"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_frame_is_refused(text: str, said: str) -> None:
    with pytest.raises(FrameError, match=said):
        FrameReader(check_from_worker).feed(text)


def test_a_frame_without_an_end_is_refused() -> None:
    reader = FrameReader(check_to_worker)
    pieces = ("+" + "x" * 16_384 for _ in range(100_000))
    with pytest.raises(FrameError, match="longer than"):
        list(map(reader.feed, pieces))
