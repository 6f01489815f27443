"""An operation of an earlier life asks the REST API while that is still being loaded."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from cloudwright.app import _ask_inside


def test_it_waits_and_one_that_gives_up_does_not_stop_the_others() -> None:
    async def check() -> None:
        answering: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        ask = _ask_inside(answering)
        facts: Any = SimpleNamespace(execution=SimpleNamespace(created_by="u", tenant="t"))
        first, second = (asyncio.ensure_future(ask(facts, "GET", "/nodes", {}, None)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        request = AsyncMock(return_value={"status": 200})
        answering.set_result(SimpleNamespace(inside=SimpleNamespace(request=request)))
        assert await second == {"status": 200}
        request.assert_awaited_once_with("u", "t", "GET", "/nodes", {}, None)

    asyncio.run(asyncio.wait_for(check(), 20))
