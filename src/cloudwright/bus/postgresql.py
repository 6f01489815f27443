"""LISTEN and NOTIFY of PostgreSQL as a transport: nothing else has to run.

Neither stands in a transaction that writes rows: a NOTIFY there would make the server commit one after the
other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from cloudwright.bus.shared import TransportLost

#: The server's own limit is 8000 bytes less one.
_LIMIT = 7900
_SETTINGS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class PostgresqlTransport:
    """Two connections: one waits for notifications, the other sends them."""

    limit = _LIMIT

    def __init__(self, conninfo: str, channel: str = "cloudwright") -> None:
        self._conninfo = conninfo
        self._channel = channel
        self._sending: psycopg.AsyncConnection[Any] | None = None

    async def listen(self, heard: Callable[[bytes], None], listening: Callable[[], None]) -> None:
        try:
            async with await self._connect("listens") as conn:
                await conn.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(self._channel)))
                listening()
                async for notification in conn.notifies():
                    heard(notification.payload.encode())
        except psycopg.Error as error:
            raise TransportLost(_first_line(error)) from error
        raise TransportLost("the server ended it")

    async def send(self, payloads: Sequence[bytes]) -> None:
        try:
            if self._sending is None:
                self._sending = await self._connect("notifies")
            for payload in payloads:
                await self._sending.execute("SELECT pg_notify(%s, %s)", (self._channel, payload.decode()))
        except psycopg.Error as error:
            await self.close()
            raise TransportLost(_first_line(error)) from error

    async def close(self) -> None:
        conn, self._sending = self._sending, None
        if conn is not None:
            await conn.close()

    async def _connect(self, does: str) -> psycopg.AsyncConnection[Any]:
        name = f"cloudwright bus ({does})"
        return await psycopg.AsyncConnection.connect(self._conninfo, application_name=name, **_SETTINGS)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
