"""Schedules are kept: each run is started once, or it is recorded why it was not."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, update
from stored import TENANT, create, deploy, event_types

from cloudwright.bus.local import LocalBus
from cloudwright.errors import Conflict, InvalidInput, NotFound
from cloudwright.manager.executions import Executions
from cloudwright.manager.maintenance import Maintenance
from cloudwright.manager.schedules import Schedules
from cloudwright.manager.secret_keys import SecretKeys
from cloudwright.manager.secrets import Secrets
from cloudwright.model.execution import ExecutionStatus
from cloudwright.model.schedule import Schedule, ScheduleStatus
from cloudwright.storage import accounts, deployments, manager_queries, memberships, schedules
from cloudwright.storage.filters import ExecutionFilter
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Execution
from cloudwright.storage.schema import executions as execution_rows
from cloudwright.storage.store import Store

START = datetime(2027, 1, 1, 12, tzinfo=UTC)


class NothingGranted:
    def hold(self, execution_id: str) -> AbstractContextManager[None]:
        return nullcontext()

    def revoke_granted(self, execution_id: str) -> None:
        pass


class Kept:
    """A manager's schedules, whose clock is set by the test."""

    def __init__(self, store: Store, name: str = "e") -> None:
        self.now = START
        self.store = store
        ids = itertools.count(1)
        bus = LocalBus()
        self.executions = Executions(
            store,
            bus,
            NothingGranted(),
            apply_cancel=lambda id, term, mode: None,
            secrets=Secrets(store, SecretKeys([b"k" * 32], "the test"), lambda: self.now),
            clock=lambda: self.now,
            new_id=lambda: f"{name}{next(ids)}",
        )
        maintenance = Maintenance(store, bus, lambda: self.now)
        self.schedules = Schedules(store, bus, self.executions, maintenance, lambda: self.now)

    async def at(self, minutes: float) -> None:
        """Look after the schedules so many minutes after the start."""
        self.now = START + timedelta(minutes=minutes)
        await self.schedules.run_due()

    def started(self) -> list[Execution]:
        found, _ = self.store.read_sync(
            manager_queries.list_executions, ExecutionFilter(deployment_ids=["d1"]), EVERYTHING
        )
        return found

    def end(self, id: str, status: ExecutionStatus = ExecutionStatus.TERMINATED) -> None:
        self.store.write_sync(_end, id, status)

    def skips(self) -> list[tuple[int, str]]:
        listed = self.store.read_sync(schedules.get, TENANT, "d1", "s")
        return [
            (skip.count, skip.reason) for skip in self.store.read_sync(schedules.list_skips, listed.schedule)
        ]


def _end(conn: Connection, id: str, status: ExecutionStatus) -> None:
    conn.execute(update(execution_rows).where(execution_rows.c.id == id).values(status=status))


def _set_workflows(conn: Connection, workflows: dict[str, Any]) -> None:
    deployments.update(conn, TENANT, "d1", START, workflows=workflows)


def schedule(**more: Any) -> Schedule:
    made = Schedule(
        tenant=TENANT,
        deployment_id="d1",
        id="s",
        workflow_id="install",
        parameters={},
        execution_arguments={},
        since=START + timedelta(minutes=10),
        until=None,
        timezone=None,
        rule={"recurrence": "10 min"},
        slip=5,
        stop_on_fail=False,
        enabled=True,
        next_occurrence=None,
        position=None,
        latest_execution_id=None,
        forgiven_execution_id=None,
        version=0,
        created_by="me",
        created_at=START,
    )
    return replace(made, **more)


def run(steps: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(steps, 60))


@pytest.fixture
def kept(store: Store) -> Kept:
    deploy(store)
    workflows = {"install": {"parameters": {}, "operation": "x"}}
    store.write_sync(_set_workflows, workflows)
    store.write_sync(accounts.create_tenant, TENANT, START)
    store.write_sync(accounts.create_user, "me", "no hash", "default", START)
    store.write_sync(memberships.add_user, "me", TENANT, "operations")
    return Kept(store)


def test_each_run_is_started_once_and_says_which_schedule_started_it(kept: Kept) -> None:
    async def steps() -> None:
        await kept.schedules.create(schedule(rule={"recurrence": "10 min", "count": 2}))
        await kept.at(9.9)
        assert kept.started() == []
        await kept.at(10)
        await kept.at(10.1)
        [first] = kept.started()
        assert (first.status, first.created_by) == (ExecutionStatus.PENDING, "me")
        assert event_types(kept.store, first.id) == ["execution_scheduled"]
        kept.end(first.id)
        await kept.at(20)
        listed = await kept.schedules.get(TENANT, "d1", "s")
        assert listed.schedule.latest_execution_id == "e2"
        assert listed.schedule.status(listed.latest_status) is ScheduleStatus.OVER
        await kept.at(30)
        assert len(kept.started()) == 2
        assert kept.skips() == []

    run(steps())


def test_two_managers_that_see_the_same_run_start_it_once(kept: Kept, other: Store) -> None:
    async def steps() -> None:
        await kept.schedules.create(schedule())
        rival = Kept(other, "rival")
        rival.now = kept.now = START + timedelta(minutes=10)
        await asyncio.gather(*(keeper.schedules.run_due() for keeper in (kept, rival, kept, rival)))
        assert len(kept.started()) == 1
        assert kept.skips() == []

    run(steps())


def test_a_run_that_falls_due_while_its_predecessor_runs_is_skipped(kept: Kept) -> None:
    async def steps() -> None:
        await kept.schedules.create(schedule(execution_arguments={"force": True}))
        await kept.at(10)
        await kept.at(20)
        assert [execution.id for execution in kept.started()] == ["e1"]
        [(count, reason)] = kept.skips()
        assert (count, "execution e1, is still `pending`" in reason) == (1, True)
        kept.end("e1")
        await kept.at(30)
        assert len(kept.started()) == 2

    run(steps())


def test_a_run_waits_behind_an_execution_that_is_not_of_the_schedule(kept: Kept) -> None:
    async def steps() -> None:
        create(kept.store, "by-hand")
        await kept.schedules.create(schedule())
        await kept.at(10)
        statuses = {execution.id: execution.status for execution in kept.started()}
        assert statuses == {"by-hand": ExecutionStatus.PENDING, "e1": ExecutionStatus.QUEUED}

    run(steps())


@pytest.mark.parametrize(
    ("slip", "late", "runs"), [(0, 0.9, 1), (0, 1.1, 0), (1, 1.9, 1), (1, 2.1, 0), (5, 5.9, 1), (5, 6.1, 0)]
)
def test_a_run_may_be_as_late_as_its_slip_says(kept: Kept, slip: int, late: float, runs: int) -> None:
    async def steps() -> None:
        await kept.schedules.create(schedule(slip=slip))
        await kept.at(10 + late)
        assert len(kept.started()) == runs
        assert len(kept.skips()) == 1 - runs

    run(steps())


def test_one_run_follows_an_outage_over_three_due_times(kept: Kept) -> None:
    async def steps() -> None:
        await kept.schedules.create(schedule())
        await kept.at(31)
        assert len(kept.started()) == 1
        [(count, reason)] = kept.skips()
        assert (count, "one run at most follows" in reason) == (2, True)
        await kept.at(39)
        assert len(kept.started()) == 1
        kept.end("e1")
        await kept.at(68)
        assert len(kept.started()) == 1
        assert [count for count, _ in kept.skips()] == [1, 2, 2]
        assert "slip is 5" in kept.skips()[0][1]

    run(steps())


def test_a_failure_stops_a_schedule_that_is_to_stop_until_it_is_enabled_again(kept: Kept) -> None:
    async def steps() -> None:
        await kept.schedules.create(schedule(stop_on_fail=True))
        await kept.at(10)
        kept.end("e1", ExecutionStatus.FAILED)
        listed = await kept.schedules.get(TENANT, "d1", "s")
        assert listed.schedule.status(listed.latest_status) is ScheduleStatus.STOPPED
        await kept.at(20)
        assert len(kept.started()) == 1
        assert "execution e1 failed" in kept.skips()[0][1]
        await kept.schedules.change(TENANT, "d1", "s", {"enabled": True})
        await kept.at(30)
        assert len(kept.started()) == 2

    run(steps())


def test_what_cannot_be_started_is_recorded_and_the_schedule_goes_on(kept: Kept) -> None:
    async def steps() -> None:
        await kept.schedules.create(schedule())
        await kept.store.write(_set_workflows, {})
        await kept.at(10)
        assert kept.started() == []
        assert "has no workflow `install`" in kept.skips()[0][1]
        listed = await kept.schedules.get(TENANT, "d1", "s")
        assert listed.schedule.next_occurrence == START + timedelta(minutes=20)

    run(steps())


def test_a_disabled_schedule_has_no_run_and_an_enabled_one_begins_with_the_next(kept: Kept) -> None:
    async def steps() -> None:
        await kept.schedules.create(schedule())
        await kept.schedules.change(TENANT, "d1", "s", {"enabled": False})
        await kept.at(25)
        assert kept.started() == []
        listed = await kept.schedules.change(TENANT, "d1", "s", {"enabled": True})
        assert listed.schedule.next_occurrence == START + timedelta(minutes=30)
        changed = await kept.schedules.change(TENANT, "d1", "s", {"rrule": "FREQ=HOURLY"})
        assert changed.schedule.rule == {"rrule": "FREQ=HOURLY"}
        assert changed.schedule.next_occurrence == START + timedelta(minutes=70)
        back = await kept.schedules.change(TENANT, "d1", "s", {"recurrence": "1 day", "weekdays": ["mo"]})
        assert back.schedule.rule == {"recurrence": "1 day", "weekdays": ["mo"]}
        assert kept.skips() == []

    run(steps())


def test_what_is_wrong_is_refused_and_nothing_is_stored(kept: Kept) -> None:
    async def steps() -> None:
        past = {"since": START - timedelta(days=1), "rule": {"count": 1}}
        with pytest.raises(InvalidInput, match="in the past"):
            await kept.schedules.create(schedule(**past))
        with pytest.raises(InvalidInput, match="execution argument"):
            await kept.schedules.create(schedule(execution_arguments={"speed": 1}))
        with pytest.raises(NotFound):
            await kept.schedules.create(schedule(deployment_id="none"))
        with pytest.raises(NotFound):
            await kept.schedules.get(TENANT, "d1", "s")
        await kept.schedules.create(schedule())
        with pytest.raises(Conflict):
            await kept.schedules.create(schedule())
        with pytest.raises(InvalidInput):
            await kept.schedules.change(TENANT, "d1", "s", {"recurrence": "often"})
        for act in (kept.schedules.delete, kept.schedules.get):
            with pytest.raises(NotFound):
                await act(TENANT, "d1", "none")

    run(steps())


def test_a_schedule_goes_with_its_deployment(kept: Kept) -> None:
    async def steps() -> None:
        await kept.schedules.create(schedule())
        await kept.at(70)
        await kept.store.write(deployments.delete, TENANT, "d1", force=True)
        assert await kept.store.read(schedules.next_due) is None
        with pytest.raises(NotFound):
            await kept.schedules.get(TENANT, "d1", "s")

    run(steps())


def test_skips_are_kept_to_a_number(kept: Kept) -> None:
    async def steps() -> None:
        await kept.schedules.create(schedule(slip=0))
        for number in range(schedules.KEPT_SKIPS + 3):
            await kept.at(12 + 10 * number)
        assert len(kept.skips()) == schedules.KEPT_SKIPS

    run(steps())


def test_the_time_to_come_is_waited_for_and_a_new_schedule_is_noticed(kept: Kept) -> None:
    async def steps() -> None:
        kept.now = START + timedelta(minutes=10)
        await kept.schedules.start()
        assert not kept.schedules.busy
        try:
            await kept.schedules.create(schedule())
            while not kept.started():
                await asyncio.sleep(0.01)
            while not kept.schedules.busy:
                await asyncio.sleep(0.01)
        finally:
            await kept.schedules.close()

    run(steps())


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (lambda conn: accounts.set_active(conn, "me", False), "user `me`, is not active"),
        (lambda conn: accounts.delete_user(conn, "me"), "user `me`, is deleted"),
        (lambda conn: memberships.remove_user(conn, "me", TENANT), "may not start executions in tenant"),
        (lambda conn: memberships.update_user(conn, "me", TENANT, "viewer"), "may not start executions"),
        (lambda conn: deployments.update(conn, TENANT, "d1", START, visibility="private"), "does not see"),
    ],
)
def test_nothing_runs_in_the_name_of_a_user_who_may_not_start_it(
    kept: Kept, happens: Callable[[Connection], Any], why: str
) -> None:
    async def steps() -> None:
        await kept.schedules.create(schedule())
        await kept.at(10)
        [first] = kept.started()
        kept.end(first.id)
        kept.store.write_sync(happens)
        await kept.at(20)
        assert [row.id for row in kept.started()] == [first.id]
        [(count, reason)] = kept.skips()
        assert count == 1
        assert why in reason

    run(steps())


def test_a_schedule_goes_on_once_its_creator_is_back(kept: Kept) -> None:
    async def steps() -> None:
        await kept.schedules.create(schedule())
        kept.store.write_sync(accounts.set_active, "me", False)
        await kept.at(10)
        assert kept.started() == []
        kept.store.write_sync(accounts.set_active, "me", True)
        await kept.at(20)
        assert len(kept.started()) == 1

    run(steps())
