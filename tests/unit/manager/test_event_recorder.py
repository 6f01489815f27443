"""What is recorded while the database is away: every event, and logs as far as there is room."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cloudwright.bus.local import LocalBus
from cloudwright.manager import event_recorder as module
from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.model.event import Event


class Held:
    """A store that answers no write before it is back."""

    def __init__(self) -> None:
        self.back = asyncio.Event()
        self.stored: list[Event] = []

    def write_lines(
        self, execution: str, count: int, verb: Callable[..., Any], batch: list[Event]
    ) -> Awaitable[None]:
        assert count == len(batch) > 0
        assert {event.execution_id for event in batch} == {execution}
        return asyncio.ensure_future(self._write(batch))

    async def _write(self, batch: list[Event]) -> None:
        await self.back.wait()
        self.stored += batch


def test_logs_that_find_no_room_are_counted_and_events_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 10 * (100 + module._RECORD))

    async def run() -> list[Event]:
        store = Held()
        recorder = EventRecorder(store, LocalBus(), lambda: datetime.now(UTC))  # type: ignore[arg-type]
        for number in range(50):
            recorder.log("e1", "info", "x" * 100, logger=str(number))
            recorder.flush()
        recorder.event("e1", "operation_signalled", "SIGTERM was sent")
        recorder.flush()
        store.back.set()
        await recorder.drain()
        recorder.log("e1", "info", "there is room again")
        await recorder.drain()
        return store.stored

    stored = asyncio.run(run())
    told = [event for event in stored if event.event_type]
    assert [event.event_type for event in told] == ["operation_signalled", "logs_dropped"]
    kept = [event.message for event in stored if not event.event_type]
    assert kept == ["x" * 100] * 10 + ["there is room again"]
    assert told[-1].details == {"lines": 40}
    assert told[-1].message.startswith("40 lines of log were not kept")
