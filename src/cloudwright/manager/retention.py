"""Deletes what happened: executions that are over, and events, in steps between which others write.

A user deletes them by a request; ``Retention`` deletes what the settings do not keep.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from cloudwright.background import TaskSet
from cloudwright.errors import Unavailable
from cloudwright.storage import accounts, hooks
from cloudwright.storage.executions import retention
from cloudwright.storage.filters import EventFilter, ExecutionFilter
from cloudwright.storage.store import Store

EXECUTIONS_AT_ONCE = 20
EVENTS_AT_ONCE = 2000
DELIVERIES_AT_ONCE = 500
#: Seconds from the start to the first sweep, and between two of them.
FIRST_SWEEP_SECONDS = 60.0
SWEEP_SECONDS = 3600.0
#: Seconds between two steps of a sweep.
STEP_PAUSE_SECONDS = 0.05

log = logging.getLogger(__name__)


class Retention:
    """Deletes executions that ended more than ``executions_days`` ago, all but the newest
    ``executions_count`` that are over, log lines that are older than ``logs_days``, and deliveries of hooks
    that ended more than ``deliveries_days`` ago; 0 keeps all. Each sweep calls ``others`` too.

    What still runs, and what something else needs (``storage.executions.retention``), stays.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        *,
        executions_days: float,
        executions_count: int,
        logs_days: float,
        deliveries_days: float = 0.0,
        others: Sequence[Callable[[], Awaitable[int]]] = (),
        first_sweep: float = FIRST_SWEEP_SECONDS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._executions_days = executions_days
        self._executions_count = executions_count
        self._logs_days = logs_days
        self._deliveries_days = deliveries_days
        self._others = others
        self._first_sweep = first_sweep
        self._tasks = TaskSet()

    async def start(self) -> None:
        self._tasks.spawn(self._keep_sweeping(), "deleting what is not kept")

    async def close(self) -> None:
        await self._tasks.close()

    async def sweep(self) -> tuple[int, int]:
        """Delete what is not kept; return how many executions and how many log lines that were."""
        executions = lines = 0
        if self._executions_days:
            old = ExecutionFilter(ended_to=self._before(self._executions_days))
            executions += await delete_executions(self._store, old, pause=STEP_PAUSE_SECONDS)
        if self._executions_count:
            executions += await delete_executions(
                self._store, ExecutionFilter(), self._executions_count, pause=STEP_PAUSE_SECONDS
            )
        if self._logs_days:
            old_lines = EventFilter(to_time=self._before(self._logs_days), include_events=False)
            lines = await delete_events(self._store, old_lines, pause=STEP_PAUSE_SECONDS)
        for tenant in await self._store.read(accounts.deleted_tenants):
            # What an earlier life of this manager did not come to.
            await delete_history(self._store, tenant, pause=STEP_PAUSE_SECONDS)
        if self._deliveries_days:
            await delete_deliveries(
                self._store, self._before(self._deliveries_days), pause=STEP_PAUSE_SECONDS
            )
        for other in self._others:
            await other()
        if executions or lines:
            log.info("Deleted what is not to be kept: executions: %d, log lines: %d.", executions, lines)
        return executions, lines

    def _before(self, days: float) -> datetime:
        return self._clock() - timedelta(days=days)

    async def _keep_sweeping(self) -> None:
        pause = self._first_sweep
        while True:
            await asyncio.sleep(pause)
            pause = SWEEP_SECONDS
            try:
                await self.sweep()
            except (Unavailable, OSError) as error:
                log.warning("What is not to be kept could not be deleted; it is tried again later: %s", error)


async def delete_executions(
    store: Store, filter: ExecutionFilter, keep_last: int = 0, *, pause: float = 0.0
) -> int:
    """Delete the executions that are over, but for the newest ``keep_last``; return how many were deleted.

    ``pause`` are seconds between two steps.
    """
    found = await store.read_page(retention.deletable, filter)
    ids = iter(found[: len(found) - keep_last] if keep_last else found)
    deleted = 0
    while batch := list(islice(ids, EXECUTIONS_AT_ONCE)):
        deleted += await store.write(retention.delete_executions, batch)
        await asyncio.sleep(pause)
    return deleted


async def delete_events(store: Store, filter: EventFilter, *, pause: float = 0.0) -> int:
    """Delete the events that there are now, and return how many were deleted.

    ``pause`` are seconds between two steps.
    """
    until = await store.read(retention.latest_event)
    deleted = 0
    while batch := await store.write(retention.delete_events, filter, until, EVENTS_AT_ONCE):
        deleted += batch
        await asyncio.sleep(pause)
    return deleted


async def delete_deliveries(store: Store, before: datetime, *, pause: float = 0.0) -> int:
    """Delete the deliveries of hooks that ended before then, and return how many were deleted.

    ``pause`` are seconds between two steps.
    """
    deleted = 0
    while batch := await store.write(hooks.delete_ended, before, DELIVERIES_AT_ONCE):
        deleted += batch
        await asyncio.sleep(pause)
    return deleted


async def delete_history(store: Store, tenant: str, *, pause: float = 0.0) -> None:
    """Delete the executions of a tenant that is deleted, with all that belongs to them.

    ``pause`` are seconds between two steps.
    """
    while True:
        if not await store.write(accounts.delete_history, tenant, EVENTS_AT_ONCE):
            return
        await asyncio.sleep(pause)
