"""Collects events and logs, and stores those of one execution and one moment together.

Order is kept within an execution: call ``flush`` before a write about it that must come after what was
recorded. Writes about others overtake what waits (``Store.write_lines``).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from cloudwright.bus import topics
from cloudwright.bus.protocol import Bus
from cloudwright.manager.redaction import Concealments
from cloudwright.model.event import LOG, Event
from cloudwright.storage import events
from cloudwright.storage.store import Store

#: How long an event may wait for company (seconds): far below what a reader notices.
GATHER_SECONDS = 0.004
#: As many waiting events are stored without waiting any longer.
GATHER_EVENTS = 500
#: Longer messages are cut: an event is to be read, and to be kept.
MAX_MESSAGE = 64 * 1024
#: How much may wait for the database (bytes, about). Children are paused long before that (process.backlog);
#: what processes print is not, and beyond this its lines are counted and not kept. Events always are.
MAX_WAITING = 64 * 1024 * 1024
#: What an event takes beside its message (bytes, about).
_RECORD = 512

#: Events of one execution, and a future that is done once they are stored.
_Batch = tuple[list[Event], asyncio.Future[None]]


class EventRecorder:
    """``concealments`` are kept out of what is recorded."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        clock: Callable[[], datetime],
        concealments: Concealments | None = None,
    ) -> None:
        self._concealments = Concealments() if concealments is None else concealments
        self._store = store
        self._bus = bus
        self._clock = clock
        # What is collected now, by execution, and how much it is.
        self._collected: dict[str, _Batch] = {}
        self._count = 0
        self._waiting = 0
        # Lines of log that were not kept, by execution.
        self._dropped: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self._writes: set[asyncio.Future[None]] = set()

    def event(self, execution_id: str, event_type: str, message: str, **fields: Any) -> asyncio.Future[None]:
        """Record that something happened; ``fields`` are those of model.event.Event. See ``add``."""
        return self.add(Event(execution_id, self._clock(), message, event_type=event_type, **fields))

    def log(self, execution_id: str, level: str, message: str, **fields: Any) -> asyncio.Future[None]:
        """Record a log line. See ``add``."""
        return self.add(Event(execution_id, self._clock(), message, kind=LOG, level=level.lower(), **fields))

    def add(self, event: Event) -> asyncio.Future[None]:
        """Record an event or a log line.

        Returns a future that is done once it is stored, or is not going to be; many of one execution share
        one.
        """
        if self._concealments:
            event = replace(event, message=self.conceal(event.execution_id, event.message))
        if len(event.message) > MAX_MESSAGE:
            event = replace(event, message=event.message[:MAX_MESSAGE] + " ... (cut: the message was longer)")
        if event.kind == LOG and self._waiting >= MAX_WAITING:
            self._dropped[event.execution_id] += 1
            dropped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            dropped.set_result(None)
            return dropped
        batch = self._collected.get(event.execution_id)
        if batch is None:
            batch = self._collected[event.execution_id] = [], asyncio.get_running_loop().create_future()
        events, stored = batch
        self._waiting += _size(event)
        events.append(event)
        self._count += 1
        if self._count >= GATHER_EVENTS:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self.flush)
        return stored

    def conceal(self, execution_id: str, text: str) -> str:
        """Return ``text`` without the values of the secrets that the execution has read."""
        return self._concealments.mask(execution_id, text)

    def flush(self) -> None:
        """Hand what was collected to the store, each execution's ahead of whatever is handed to it next about
        that execution.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        collected, self._collected, self._count = self._collected, {}, 0
        for execution_id, (batch, stored) in collected.items():
            write = self._store.write_lines(execution_id, len(batch), events.add, batch)
            self._writes.add(write)
            write.add_done_callback(partial(self._written, execution_id, batch, stored))

    async def drain(self) -> None:
        """Wait until everything recorded so far is stored."""
        while self._collected or self._writes:
            self.flush()
            await asyncio.wait(self._writes)

    def _written(
        self,
        execution_id: str,
        batch: list[Event],
        stored: asyncio.Future[None],
        write: asyncio.Future[None],
    ) -> None:
        self._writes.discard(write)
        self._waiting -= sum(map(_size, batch))
        stored.set_result(None)
        write.result()  # Where it was not stored, the loop logs why.
        self._say_what_was_dropped()
        self.changed(execution_id, "events")

    def _say_what_was_dropped(self) -> None:
        dropped, self._dropped = self._dropped, Counter()
        for execution_id, lines in dropped.items():
            message = (
                f"{lines} lines of log were not kept: the database took no writes, and "
                f"{MAX_WAITING // 2**20} MiB waited for it already."
            )
            self.event(execution_id, "logs_dropped", message, details={"lines": lines})

    def changed(self, execution_id: str, kind: str) -> None:
        """Wake those that follow the execution: its ``status``, ``events`` or ``operations`` changed."""
        self._bus.publish(topics.execution(execution_id), {"kind": kind})


def _size(event: Event) -> int:
    """Return what a waiting event takes, about: short ones take little more than the record of them."""
    return _RECORD + len(event.message)
