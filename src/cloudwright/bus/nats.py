"""Core NATS as a transport, for more managers than LISTEN and NOTIFY carry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from cloudwright.bus.shared import TransportLost

#: Far below what a server takes (1 MiB).
_LIMIT = 256 * 1024
#: Seconds until a server is given up that does not reply.
_PATIENCE = 5


class NatsTransport:
    """One connection, which is made again when it is lost. ``subject`` is the cluster's own."""

    limit = _LIMIT

    def __init__(self, url: str, subject: str) -> None:
        self._url = url
        self._subject = subject
        self._client: Client | None = None

    async def listen(self, heard: Callable[[bytes], None], listening: Callable[[], None]) -> None:
        client = Client()
        lost = asyncio.Event()
        problems: list[str] = []

        async def failed(error: Exception) -> None:
            problems.append(str(error) or type(error).__name__)

        async def closed() -> None:
            lost.set()

        async def received(message: Msg) -> None:
            heard(message.data)

        try:
            await client.connect(
                self._url,
                name="cloudwright",
                error_cb=failed,
                closed_cb=closed,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=1,
                connect_timeout=_PATIENCE,
                ping_interval=_PATIENCE,
            )
            await client.subscribe(self._subject, cb=received)
            await client.flush(_PATIENCE)
            self._client = client
            listening()
            await lost.wait()
        except (nats.errors.Error, OSError, TimeoutError) as error:
            problems.append(str(error) or type(error).__name__)
        finally:
            self._client = None
            await client.close()
        raise TransportLost(problems[0] if problems else "the server ended it")

    async def send(self, payloads: Sequence[bytes]) -> None:
        client = self._client
        if client is None:
            raise TransportLost("it is not connected")
        try:
            for payload in payloads:
                # Not flushed: what is lost with the connection is made good when that is seen to be lost.
                await client.publish(self._subject, payload)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise TransportLost(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Nothing to do: the connection ends with ``listen``."""
