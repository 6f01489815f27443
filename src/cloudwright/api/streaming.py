"""The stream of an execution: its events and changes of status as they happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from cloudwright.bus import topics
from cloudwright.bus.protocol import OVERFLOW, Closed, Subscription
from cloudwright.errors import TooManyRequests
from cloudwright.manager.manager import Manager
from cloudwright.model.event import LOG
from cloudwright.model.execution import END_STATUSES, ExecutionStatus
from cloudwright.storage.resources import execution
from cloudwright.storage.resources.event import StreamedEvent

#: Seconds after which a silent stream shows that it is alive; the database is looked at then too, because the
#: bus may lose messages.
HEARTBEAT = 15.0
_BATCH = 500
#: How many may follow executions at once, and after how many seconds one is disconnected that takes nothing.
MAX_FOLLOWERS = 500
STALLED = 60.0


class Followers:
    """Counts those who follow an execution, and refuses too many."""

    def __init__(self) -> None:
        self._count = 0

    def check(self) -> None:
        """Raises TooManyRequests if there is no room for another one."""
        if self._count >= MAX_FOLLOWERS:
            raise TooManyRequests(f"{MAX_FOLLOWERS} clients follow executions already. Try again later.")

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count one more while the body runs."""
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1


class EventStreamResponse(StreamingResponse):
    """Server-sent events, to a client that has to take them: one that stalls is disconnected."""

    def __init__(self, events: AsyncIterator[bytes], followers: Followers) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._followers = followers

    async def stream_response(self, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(STALLED):
                    await send(message)
            except TimeoutError as error:
                raise ClientDisconnect from error

        with self._followers.counted():
            await super().stream_response(send_in_time)


async def follow(
    manager: Manager,
    tenant: str,
    execution_id: str,
    after: int,
    *,
    include_logs: bool,
    may_go_on: Callable[[bool], Awaitable[bool]],
    heartbeat: float = HEARTBEAT,
) -> AsyncIterator[bytes]:
    """Yield server-sent events until the execution has ended and everything in it was sent.

    ``event: event`` has an event and its id, ``event: status`` the execution, whenever its status changed.
    Begins behind the event with the id ``after``. ``may_go_on`` is asked before something is sent after a
    wait, and told whether to look again; the stream ends if the user may not follow any more.
    """
    known: ExecutionStatus | None = None
    async with manager.bus.subscribe(topics.execution(execution_id), topics.ACCOUNTS) as subscription:
        while True:
            new = await manager.store.read_tail(
                execution.get_progress, tenant, execution_id, known, after, _BATCH
            )
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
                heard = await _heard(subscription, heartbeat)
            except Closed:
                return
            # The bus may have lost that accounts were changed.
            if not await may_go_on(not heard or not heard.isdisjoint((topics.ACCOUNTS, OVERFLOW))):
                return
            if not heard:
                yield b": still here\n\n"


async def _heard(subscription: Subscription, patience: float) -> set[str]:
    """Return the topics of the messages that have arrived: one look at the database serves all of them.

    Waits for the first one; none if that takes too long. Raises Closed.
    """
    heard = set()
    message = await subscription.get(patience)
    while message is not None:
        heard.add(message[0])
        message = await subscription.get(0)
    return heard


def _event(event: StreamedEvent) -> bytes:
    return b"id: %d\n" % event.id + _message("event", event.record)


def _message(kind: str, record: str) -> bytes:
    # JSON has no line breaks of its own, so one line of data is always enough.
    return b"event: " + kind.encode() + b"\ndata: " + record.encode() + b"\n\n"
