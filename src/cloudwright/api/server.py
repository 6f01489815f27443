"""The REST API's server. It costs as much to load as the rest of a manager, so it is loaded last."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from cloudwright.api.agent_gate import AgentGate
from cloudwright.api.app import create_app
from cloudwright.api.http_protocol import TimedHttpProtocol
from cloudwright.api.internal_client import InProcessClient
from cloudwright.api.loop_lag import LoopLag
from cloudwright.api.public_address import PublicAddress, PublicAddressMiddleware
from cloudwright.errors import Unavailable
from cloudwright.manager.manager import Manager
from cloudwright.worker.frame_stream import MAX_MESSAGE


def _web_socket_protocol(*args: Any, **kwargs: Any) -> asyncio.Protocol:
    # Loaded when the first agent connects: most managers have none.
    implementation = importlib.import_module("uvicorn.protocols.websockets.websockets_sansio_impl")
    protocol: asyncio.Protocol = implementation.WebSocketsSansIOProtocol(*args, **kwargs)
    return protocol


class Server(uvicorn.Server):
    """uvicorn without its own signal handling: the caller ends it."""

    def __init__(self, manager: Manager, mount: Callable[[FastAPI], ASGIApp] | None = None) -> None:
        """``mount`` returns what is served in place of the API alone: the API, and something beside it."""
        app = create_app(manager)
        gate: ASGIApp = AgentGate(mount(app) if mount else app, manager.agents)
        if manager.settings.public_url:
            gate = PublicAddressMiddleware(gate, PublicAddress.parse(manager.settings.public_url))
        self._loop_lag: LoopLag = app.state.loop_lag
        self.internal_client = InProcessClient(app, manager.accounts)
        super().__init__(
            uvicorn.Config(
                gate,
                http=TimedHttpProtocol,
                ssl_certfile=manager.settings.tls_cert or None,
                ssl_keyfile=manager.settings.tls_key or None,
                loop="none",
                ws=_web_socket_protocol,  # type: ignore[arg-type]
                ws_max_size=MAX_MESSAGE,
                ws_max_queue=16,
                # Both sides say that they live by frames of their own.
                ws_ping_interval=None,
                ws_per_message_deflate=False,
                forwarded_allow_ips=manager.settings.trusted_proxies,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                timeout_graceful_shutdown=5,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @property
    def request_count(self) -> int:
        return self.server_state.total_requests

    @property
    def has_connections(self) -> bool:
        return bool(self.server_state.connections)

    async def start_serving(self, listening: socket.socket) -> asyncio.Future[None]:
        """Begin to serve. Returns, once requests are served, a future that is done at the end."""
        serving = asyncio.ensure_future(self.serve(sockets=[listening]))
        lag = asyncio.ensure_future(self._loop_lag.run())
        serving.add_done_callback(lambda _: lag.cancel())
        while not self.started:
            if serving.done():
                await serving
                raise Unavailable("The REST API's server stopped before it was ready.")
            await asyncio.sleep(0.001)
        return serving
