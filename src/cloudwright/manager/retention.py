"""Deletes what happened: executions that are over, and events, in steps between which others write."""

from __future__ import annotations

from itertools import islice

from cloudwright.storage.executions import retention
from cloudwright.storage.filters import EventFilter, ExecutionFilter
from cloudwright.storage.store import Store

EXECUTIONS_AT_ONCE = 20
EVENTS_AT_ONCE = 2000


async def delete_executions(store: Store, filter: ExecutionFilter, keep_last: int = 0) -> int:
    """Delete the executions that are over, but for the newest ``keep_last``; return how many were deleted."""
    found = await store.read_page(retention.deletable, filter)
    ids = iter(found[: len(found) - keep_last] if keep_last else found)
    deleted = 0
    while batch := list(islice(ids, EXECUTIONS_AT_ONCE)):
        deleted += await store.write(retention.delete_executions, batch)
    return deleted


async def delete_events(store: Store, filter: EventFilter) -> int:
    """Delete the events that there are now, and return how many were deleted."""
    until = await store.read(retention.latest_event)
    deleted = 0
    while batch := await store.write(retention.delete_events, filter, until, EVENTS_AT_ONCE):
        deleted += batch
    return deleted
