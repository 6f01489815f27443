"""An execution as it happens: its events and changes of status, pushed to whoever follows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson

from cloudwright.api import queries, serializers
from cloudwright.bus.protocol import Closed, Subscription
from cloudwright.manager.manager import Manager
from cloudwright.model.event import LOG
from cloudwright.model.execution import END_STATUSES, ExecutionStatus
from cloudwright.storage.records import EventRecord, Execution

#: Seconds after which a silent stream shows that it is alive; the database is looked at then too, because the
#: bus may lose messages.
HEARTBEAT = 15.0
_BATCH = 500


async def follow(
    manager: Manager, execution: Execution, after: int, *, include_logs: bool, heartbeat: float = HEARTBEAT
) -> AsyncIterator[bytes]:
    """Server-sent events until the execution is over and everything of it was sent.

    ``event: event`` has an event and its id, ``event: status`` the execution, whenever its status changed.
    Begins behind the event with the id ``after``.
    """
    told: ExecutionStatus | None = None
    async with manager.bus.subscribe(f"execution.{execution.id}") as subscription:
        while True:
            row, batch = await manager.store.read(
                queries.get_followed, execution.tenant, execution.id, after, _BATCH
            )
            if batch:
                after = batch[-1].id
            if chunk := b"".join(_event(event) for event in batch if include_logs or event.kind != LOG):
                yield chunk
            if len(batch) == _BATCH:
                # There may be more of it, which comes before whatever the status is now.
                continue
            if row.status is not told:
                told = row.status
                view = await manager.store.read(queries.view_execution, row)
                yield _message("status", serializers.execution(view.execution, view.owner, view.residual))
            if told in END_STATUSES:
                return
            try:
                changed = await subscription.get(heartbeat)
                await _drain(subscription)
            except Closed:
                return
            if changed is None:
                yield b": still here\n\n"


async def _drain(subscription: Subscription) -> None:
    """Take what else is there already: one look at the database serves all of it."""
    while await subscription.get(0) is not None:
        pass


def _event(row: EventRecord) -> bytes:
    return b"id: %d\n" % row.id + _message("event", serializers.event(row))


def _message(kind: str, data: Any) -> bytes:
    # JSON has no line breaks of its own, so one line of data is always enough.
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
