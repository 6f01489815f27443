"""Deadlines go by a clock that does not jump."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cloudwright.bus.local import LocalBus
from cloudwright.manager.deadlines import Deadline, Deadlines
from cloudwright.manager.reconcile_loop import ReconcileLoop
from cloudwright.model.execution import CancelMode, ExecutionStatus
from cloudwright.storage import manager_queries
from cloudwright.storage.executions import admission, cancellation, claims
from cloudwright.storage.records import NewExecution
from cloudwright.storage.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
GRACE = timedelta(seconds=4)
FOUR = Deadline("e", NOW, NOW + GRACE)


class Clocks:
    """The time of day, which may be set, and the seconds since the boot, which may not."""

    def __init__(self) -> None:
        self.now = NOW
        self.elapsed = 100.0

    def boottime(self) -> float:
        return self.elapsed

    def run(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.elapsed += seconds


@pytest.mark.parametrize("jump", [-HOUR, HOUR, timedelta(days=-1), timedelta()])
def test_setting_the_clock_moves_no_deadline(jump: timedelta) -> None:
    clocks = Clocks()
    deadlines = Deadlines(clocks.boottime)
    deadlines.watch([FOUR], clocks.now)
    clocks.now += jump
    clocks.run(3)
    deadlines.watch([FOUR], clocks.now)
    assert deadlines.passed() == frozenset()
    assert deadlines.next() == 1
    clocks.run(1)
    assert deadlines.passed() == {FOUR}


def test_after_a_restart_what_is_left_is_never_more_than_the_grace() -> None:
    clocks = Clocks()
    for jump, left in ((-HOUR, 4), (timedelta(seconds=1), 3), (HOUR, 0)):
        deadlines = Deadlines(clocks.boottime)
        deadlines.watch([FOUR], NOW + jump)
        assert deadlines.next() == left


def test_a_deadline_that_is_gone_or_set_anew_is_not_counted_any_more() -> None:
    clocks = Clocks()
    deadlines = Deadlines(clocks.boottime)
    deadlines.watch([FOUR], clocks.now)
    later = FOUR._replace(until=NOW + 2 * GRACE)
    deadlines.watch([later], clocks.now)
    clocks.run(5)
    assert deadlines.passed() == frozenset()
    deadlines.watch([], clocks.now)
    assert deadlines.next() is None


def test_what_may_run_for_so_long_only_is_another_deadline_than_its_grace() -> None:
    clocks = Clocks()
    deadlines = Deadlines(clocks.boottime)
    age = FOUR._replace(of_age=True)
    deadlines.watch([age], clocks.now)
    clocks.run(2)
    deadlines.watch([age, FOUR._replace(since=clocks.now, until=clocks.now + GRACE)], clocks.now)
    clocks.run(2)
    assert deadlines.passed() == {age}


def test_a_standard_cancel_is_forced_at_its_deadline_although_the_clock_was_set_back(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_set_back(tmp_path), 20))


async def _set_back(home: Path) -> None:
    store = await asyncio.to_thread(Store.open, f"sqlite:///{home / 'store.db'}")
    clocks = Clocks()
    applied: list[tuple[Any, ...]] = []

    async def take_over(*_: Any) -> None:
        pass

    leases: Any = SimpleNamespace(
        hosted=dict, take_over=take_over, apply_cancel=lambda *what: applied.append(what)
    )
    dispatcher: Any = SimpleNamespace(
        hold=lambda _: nullcontext(), revoke_granted=lambda id: applied.append((id,))
    )
    loop = ReconcileLoop(
        store,
        LocalBus(),
        leases,
        dispatcher,
        name="me",
        interval=1,
        lease=15,
        clock=lambda: clocks.now,
        elapsed=clocks.boottime,
    )
    await store.write(admission.create, NewExecution("e", "w", None, None), queue=False, force=False, now=NOW)
    await store.write(claims.claim, "e", "me", None, NOW)
    await store.write(
        cancellation.request_cancel, "e", CancelMode.CANCEL, by="u", now=NOW, deadline=NOW + GRACE
    )

    async def status() -> ExecutionStatus:
        return (await store.read(manager_queries.get, "e")).status

    await loop.reconcile()
    clocks.now -= HOUR
    await loop.reconcile()
    clocks.run(3.9)
    await loop.reconcile()
    assert (await status(), applied) == (ExecutionStatus.CANCELLING, [])
    clocks.run(0.1)
    await loop.reconcile()
    assert await status() is ExecutionStatus.FORCE_CANCELLING
    # What was granted and has not begun is revoked as well.
    assert applied == [("e",), ("e", 1, CancelMode.FORCE)]
    await loop.close()
    store.close()
