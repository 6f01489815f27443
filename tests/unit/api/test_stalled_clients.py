"""A client that follows and takes nothing is disconnected, and makes room for another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from cloudwright.api import streaming
from cloudwright.api.streaming import EventStreamResponse, Followers
from cloudwright.errors import TooManyRequests


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"event: event\n\n"


def test_it_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STALLED", 0.01)
    monkeypatch.setattr(streaming, "MAX_FOLLOWERS", 1)
    followers = Followers()
    sent: list[Message] = []

    async def send(message: Message) -> None:
        """Take the beginning, and nothing more."""
        if sent:
            with pytest.raises(TooManyRequests):
                followers.check()
            await asyncio.get_running_loop().create_future()
        sent.append(message)

    with pytest.raises(ClientDisconnect):
        asyncio.run(EventStreamResponse(_endless(), followers).stream_response(send))
    assert [message["type"] for message in sent] == ["http.response.start"]
    followers.check()
