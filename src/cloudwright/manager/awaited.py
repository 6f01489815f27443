"""Waits for other executions: told of each change by the bus, and looking at the database now and then,
because the bus may lose messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Self

from cloudwright.bus import topics
from cloudwright.bus.protocol import OVERFLOW, Bus, Closed
from cloudwright.errors import Unavailable
from cloudwright.model.execution import END_STATUSES
from cloudwright.storage import events, manager_queries
from cloudwright.storage.records import Execution
from cloudwright.storage.store import Connection, Store

#: Seconds after which the database is looked at although nothing was told.
LOOK_AGAIN = 15.0


class Awaited:
    """Executions that are waited for while its context is entered; what changed since then is not missed."""

    def __init__(self, store: Store, bus: Bus, ids: Iterable[str], *, events: bool = False) -> None:
        """``events``: not only changes of status are waited for."""
        self._store = store
        self._events = events
        self._subscription = bus.subscribe(*(topics.execution(id) for id in ids))

    async def __aenter__(self) -> Self:
        await self._subscription.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._subscription.__aexit__(None, None, None)

    async def news(
        self,
        tenant: str,
        id: str,
        after: int | None = None,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - no error
    ) -> Execution:
        """Return the execution when it is over, or ``timeout`` seconds have passed; with ``after``, when it
        has an event that was stored after that one, too.

        Raises NotFound, and Unavailable if the manager shuts down.
        """
        loop = asyncio.get_running_loop()
        end = None if timeout is None else loop.time() + timeout
        while True:
            row, has_news = await self._store.write_about((), _look, tenant, id, after)
            left = None if end is None else end - loop.time()
            if row.status in END_STATUSES or has_news or (left is not None and left <= 0):
                return row
            await self.change(LOOK_AGAIN if left is None else min(left, LOOK_AGAIN))

    async def change(self, seconds: float) -> None:
        """Wait until something changes, at most so long. Raises Unavailable if the manager shuts down."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        try:
            while (told := await self._subscription.get(max(0, end - loop.time()))) is not None:
                if self._events or told[0] == OVERFLOW or told[1].get("kind") == "status":
                    break
            # One look at the database serves all that was told by now.
            while told is not None:
                told = await self._subscription.get(0)
        except Closed as error:
            raise Unavailable("The manager is shutting down.") from error


def _look(conn: Connection, tenant: str, id: str, after: int | None) -> tuple[Execution, bool]:
    row = manager_queries.get(conn, id, tenant)
    return row, after is not None and events.is_newer(conn, id, after)
