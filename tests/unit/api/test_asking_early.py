"""An operation of an earlier life asks the REST API while that is still being loaded."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from cloudwright.app import _ask_inside, _manage
from cloudwright.bus.local import LocalBus
from cloudwright.errors import Unavailable
from cloudwright.model.execution import Caller
from cloudwright.model.frames.methods import RestRequest
from cloudwright.service_notify import ServiceNotifier
from cloudwright.settings import Settings

CALLER = Caller("e1", aware=False)
NODES: RestRequest = {"method": "GET", "path": "/nodes"}


def test_it_waits_and_one_that_gives_up_does_not_stop_the_others() -> None:
    async def check() -> None:
        answering: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        ask = _ask_inside(answering)
        snapshot: Any = SimpleNamespace(execution=SimpleNamespace(created_by="u", tenant="t"))
        first, second = (asyncio.ensure_future(ask(snapshot, CALLER, NODES)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        request = AsyncMock(return_value={"status": 200})
        answering.set_result(SimpleNamespace(internal_client=SimpleNamespace(request=request)))
        assert await second == {"status": 200}
        request.assert_awaited_once_with("u", "t", NODES, caller=CALLER)

    asyncio.run(asyncio.wait_for(check(), 20))


def test_nobody_waits_for_an_api_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workflow of an earlier life has asked, and then the manager's start fails, or is interrupted."""

    async def check() -> None:
        asked: list[asyncio.Future[Any]] = []
        closed: list[Any] = []
        snapshot: Any = SimpleNamespace(execution=SimpleNamespace(created_by="u", tenant="t"))

        async def start() -> None:
            asked.append(asyncio.ensure_future(manager.rpc.rest(snapshot, CALLER, NODES)))
            await asyncio.sleep(0)
            raise Unavailable("the API cannot be loaded")

        async def close() -> None:
            # As a workflow's host does: the process is dead, and what it had asked is waited for.
            await asyncio.gather(*asked, return_exceptions=True)
            closed.append(manager)

        manager: Any = SimpleNamespace(
            rpc=SimpleNamespace(rest=None),
            accounts=SimpleNamespace(bootstrap=AsyncMock()),
            agents=SimpleNamespace(),
            start=start,
            close=close,
        )
        with socket.create_server(("127.0.0.1", 0)) as listening:
            settings = Settings(home=tmp_path)
            with pytest.raises(Unavailable, match="cannot be loaded"):
                await _manage(settings, manager, LocalBus(), listening, ServiceNotifier({}))
        assert asked[0].cancelled()
        assert closed == [manager]

    monkeypatch.setattr("cloudwright.app.CLOSE_SECONDS", 1)
    asyncio.run(asyncio.wait_for(check(), 20))
