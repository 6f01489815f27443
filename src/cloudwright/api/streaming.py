"""The stream of an execution: its events and changes of status as they happen."""

from __future__ import annotations

from collections.abc import AsyncIterator

from cloudwright.bus.protocol import Closed, Subscription
from cloudwright.manager.manager import Manager
from cloudwright.model.event import LOG
from cloudwright.model.execution import END_STATUSES, ExecutionStatus
from cloudwright.storage.resources import execution
from cloudwright.storage.resources.event import StreamedEvent

#: Seconds after which a silent stream shows that it is alive; the database is looked at then too, because the
#: bus may lose messages.
HEARTBEAT = 15.0
_BATCH = 500


async def follow(
    manager: Manager,
    tenant: str,
    execution_id: str,
    after: int,
    *,
    include_logs: bool,
    heartbeat: float = HEARTBEAT,
) -> AsyncIterator[bytes]:
    """Yield server-sent events until the execution has ended and everything in it was sent.

    ``event: event`` has an event and its id, ``event: status`` the execution, whenever its status changed.
    Begins behind the event with the id ``after``.
    """
    known: ExecutionStatus | None = None
    async with manager.bus.subscribe(f"execution.{execution_id}") as subscription:
        while True:
            new = await manager.store.read(execution.get_progress, tenant, execution_id, known, after, _BATCH)
            if new.events:
                after = new.events[-1].id
            if chunk := b"".join(_event(event) for event in new.events if include_logs or event.type != LOG):
                yield chunk
            if len(new.events) == _BATCH:
                # There may be more of them, which come before whatever the status is now.
                continue
            if new.record is not None:
                known = new.status
                yield _message("status", new.record)
            if known in END_STATUSES:
                return
            try:
                changed = await subscription.get(heartbeat)
                await _drain(subscription)
            except Closed:
                return
            if changed is None:
                yield b": still here\n\n"


async def _drain(subscription: Subscription) -> None:
    """Take the other messages that have arrived: one look at the database serves all of them."""
    while await subscription.get(0) is not None:
        pass


def _event(event: StreamedEvent) -> bytes:
    return b"id: %d\n" % event.id + _message("event", event.record)


def _message(kind: str, record: str) -> bytes:
    # JSON has no line breaks of its own, so one line of data is always enough.
    return b"event: " + kind.encode() + b"\ndata: " + record.encode() + b"\n\n"
