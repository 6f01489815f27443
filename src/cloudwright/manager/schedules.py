"""Schedules: made and changed by users, and kept by starting an execution whenever one is due.

A run is taken by a write that creates its execution and moves the schedule on, guarded by the schedule's
version: it is stored once, however many look at the schedule at that moment, or nothing of it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from cloudwright.background import TaskSet
from cloudwright.bus import topics
from cloudwright.bus.protocol import Bus
from cloudwright.errors import CloudwrightError, InvalidInput, Unavailable
from cloudwright.manager.executions import Executions, StartExecution
from cloudwright.manager.identifiers import check_id
from cloudwright.manager.maintenance import Maintenance
from cloudwright.manager.schedule_owners import refusal
from cloudwright.manager.workflow_availability import find_workflow
from cloudwright.model.recurrence import Occurrence, first_to_come
from cloudwright.model.schedule import Schedule, Skip, position_of, reason_to_skip
from cloudwright.planning import validate_parameters
from cloudwright.storage import deployments, schedules
from cloudwright.storage.records import Execution
from cloudwright.storage.schedules import AlreadyTaken, ListedSchedule
from cloudwright.storage.store import Connection, Store

#: The longest wait (seconds) without a look at the clock: it may be set, or the machine may have slept.
LONGEST_WAIT = 60.0
#: How long (seconds) until something that failed is tried again.
RETRY_SECONDS = 5.0
#: What a schedule may say of its executions, and of which type it is.
ARGUMENTS: Mapping[str, type] = {
    "allow_custom_parameters": bool,
    "force": bool,
    "dry_run": bool,
    "is_dry_run": bool,
    "queue": bool,
    "wait_after_fail": int,
}
_RULE = frozenset({"since", "until", "timezone", "recurrence", "count", "weekdays", "rrule"})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Missed:
    """Runs that nobody saw coming due: all but the last one."""

    count: int
    first: datetime
    last: datetime


class Schedules:
    def __init__(
        self,
        store: Store,
        bus: Bus,
        executions: Executions,
        maintenance: Maintenance,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._bus = bus
        self._executions = executions
        self._maintenance = maintenance
        self._clock = clock
        self._wake = asyncio.Event()
        self._tasks = TaskSet(on_failure=self._wake.set)
        self._next: datetime | None = None

    @property
    def busy(self) -> bool:
        """Whether a run is to come: the manager must be there for it."""
        return self._next is not None

    async def start(self) -> None:
        self._tasks.spawn(self._listen(), "listening for changes of schedules")
        self._tasks.spawn(self._keep(), "keeping schedules")

    def wake(self) -> None:
        """Look again at what is due: schedules were changed by others."""
        self._wake.set()

    async def close(self) -> None:
        await self._tasks.close()

    async def create(self, schedule: Schedule) -> ListedSchedule:
        """Store a schedule; its next run is found here.

        Raises InvalidInput (also if all of it is in the past), NotFound (deployment), NoSuchWorkflow,
        BadParameters, Conflict.
        """
        check_id("schedule", schedule.id)
        _check_arguments(schedule.execution_arguments)
        await self._check_workflow(schedule)
        new = await self._placed(schedule)
        await self._store.write(schedules.add, new)
        self._bus.publish(topics.SCHEDULES, {})
        return await self.get(new.tenant, new.deployment_id, new.id)

    async def get(self, tenant: str, deployment_id: str, id: str) -> ListedSchedule:
        """Raises NotFound."""
        return await self._store.read(schedules.get, tenant, deployment_id, id)

    async def change(
        self, tenant: str, deployment_id: str, id: str, changes: Mapping[str, Any]
    ) -> ListedSchedule:
        """Change fields of a schedule, those of its rule by their own names. A changed rule begins again.

        Raises NotFound, InvalidInput, NoSuchWorkflow.
        """
        listed = await self.get(tenant, deployment_id, id)
        old = listed.schedule
        plain = {name: value for name, value in changes.items() if name not in _RULE}
        new = replace(old, **plain)
        of_rule = {name: value for name, value in changes.items() if name in _RULE}
        if of_rule:
            new = _with_rule(new, of_rule)
        if new.workflow_id != old.workflow_id:
            await self._check_workflow(new)
        if changes.get("enabled"):
            # The user who enables it knows of the failure that stopped it.
            new = replace(new, forgiven_execution_id=old.latest_execution_id)
        if of_rule or (new.enabled and not old.enabled):
            new = await self._placed(new)
        if not new.enabled:
            new = replace(new, next_occurrence=None, position=None)
        before, after = asdict(old), asdict(new)
        different = {name: value for name, value in after.items() if value != before[name]}
        if different:
            await self._store.write(schedules.change, tenant, deployment_id, id, different)
            self._bus.publish(topics.SCHEDULES, {})
        return await self.get(tenant, deployment_id, id)

    async def delete(self, tenant: str, deployment_id: str, id: str) -> None:
        """Raises NotFound."""
        await self._store.write(schedules.remove, tenant, deployment_id, id)
        self._bus.publish(topics.SCHEDULES, {})

    async def run_due(self) -> bool:
        """Start what is due, or record why it is not started. Returns False if something has to be tried
        again.
        """
        now, all_done = self._clock(), True
        for listed in await self._store.read(schedules.due, now):
            try:
                await self._run(listed, now)
            except Exception:
                # One that fails must not keep the others from their turn.
                log.exception("schedule %s of %s failed", listed.schedule.id, listed.schedule.deployment_id)
                all_done = False
        return all_done

    async def _check_workflow(self, schedule: Schedule) -> None:
        deployment = await self._store.read(deployments.get, schedule.tenant, schedule.deployment_id)
        workflow = find_workflow(deployment, schedule.workflow_id)
        await asyncio.to_thread(
            validate_parameters,
            workflow,
            schedule.parameters,
            allow_custom=bool(schedule.execution_arguments.get("allow_custom_parameters")),
        )

    async def _placed(self, schedule: Schedule) -> Schedule:
        """Return the schedule with its next run, which a disabled one does not have. Raises InvalidInput."""
        rule = schedule.whole_rule
        # In a thread: a rule may be one that takes a moment.
        await asyncio.to_thread(rule.check)
        first = await asyncio.to_thread(first_to_come, rule, self._clock())
        if first is None:
            raise InvalidInput(
                f"Schedule `{schedule.id}` has no run that is still to come: all of it is in the past, or no"
                " time agrees with its rule."
            )
        if not schedule.enabled:
            return replace(schedule, next_occurrence=None, position=None)
        return replace(schedule, next_occurrence=first.due, position=position_of(first))

    async def _keep(self) -> None:
        while True:
            self._wake.clear()
            try:
                done = self._maintenance.is_on or await self.run_due()
                self._next = await self._store.read(schedules.next_due)
            except Exception:
                log.exception("schedules could not be kept; it is tried again in %s s", RETRY_SECONDS)
                done = False
            await (self._wait() if done else self._sleep(RETRY_SECONDS))

    async def _wait(self) -> None:
        """Wait until a run is due or a schedule was changed."""
        while not self._wake.is_set():
            left = LONGEST_WAIT
            if self._next is not None:
                left = (self._next - self._clock()).total_seconds()
                if self._maintenance.is_on:
                    left = max(left, RETRY_SECONDS)
                elif left <= 0:
                    return
            await self._sleep(min(left, LONGEST_WAIT))

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _listen(self) -> None:
        async with self._bus.subscribe(topics.SCHEDULES) as subscription:
            async for _ in subscription:
                self._wake.set()

    async def _run(self, listed: ListedSchedule, now: datetime) -> None:
        seen = listed.schedule
        due, missed, next = await asyncio.to_thread(_position, seen, now)
        skips = []
        if missed is not None:
            why = "the manager was not running or too busy; one run at most follows for all that were missed"
            skips.append(Skip(missed.first, missed.last, missed.count, why, now))
        reason = reason_to_skip(seen, due.due, now, listed.latest_status)
        if reason is None:
            reason = await self._store.read(refusal, seen)
        with contextlib.suppress(AlreadyTaken):
            if reason is None:
                reason = await self._start(seen, next, skips, now)
            if reason is not None:
                log.info("schedule %s of %s did not run: %s", seen.id, seen.deployment_id, reason)
                skips.append(Skip(due.due, due.due, 1, reason, now))
                await self._store.write(schedules.move_on, seen, next, skips=skips, now=now)

    async def _start(
        self, seen: Schedule, next: Occurrence | None, skips: list[Skip], now: datetime
    ) -> str | None:
        """Start the run that is due and move the schedule on. Returns why it cannot be started, if it
        cannot.
        """
        given = seen.execution_arguments

        def move_on(conn: Connection, execution: Execution) -> None:
            schedules.move_on(conn, seen, next, skips=skips, started=execution, now=now)

        request = StartExecution(
            tenant=seen.tenant,
            deployment_id=seen.deployment_id,
            workflow_id=seen.workflow_id,
            by=seen.created_by or "",
            parameters=seen.parameters,
            dry_run=bool(given.get("dry_run") or given.get("is_dry_run")),
            # Others than its own run before: it waits for them.
            queue=True,
            force=bool(given.get("force")),
            allow_custom_parameters=bool(given.get("allow_custom_parameters")),
            wait_after_fail=int(given.get("wait_after_fail", 600)),
        )
        try:
            await self._executions.start(request, move_on)
        except Unavailable:
            raise
        except CloudwrightError as error:
            return str(error)
        return None


def _position(seen: Schedule, now: datetime) -> tuple[Occurrence, _Missed | None, Occurrence | None]:
    """Return the last run that is due, those before it, and the next one."""
    due = seen.next
    assert due is not None
    missed = None
    for following in seen.whole_rule.after(due):
        if following.due > now:
            return due, missed, following
        missed = (
            _Missed(1, due.due, due.due)
            if missed is None
            else replace(missed, count=missed.count + 1, last=due.due)
        )
        due = following
    return due, missed, None


def _with_rule(schedule: Schedule, changes: Mapping[str, Any]) -> Schedule:
    """Return the schedule with another rule: `rrule` takes the place of the other three, and they of it."""
    rule = {name: value for name, value in changes.items() if name not in ("since", "until", "timezone")}
    if rule.get("rrule"):
        kept: dict[str, Any] = {}
    else:
        kept = {name: value for name, value in schedule.rule.items() if not rule or name != "rrule"}
    own = {name: changes[name] for name in ("since", "until", "timezone") if name in changes}
    return replace(schedule, rule=kept | rule, **own)


def _check_arguments(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        kind = ARGUMENTS.get(name)
        if kind is None:
            raise InvalidInput(
                f"`{name[:100]}` is not an execution argument; they are: {', '.join(sorted(ARGUMENTS))}."
            )
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise InvalidInput(f"The execution argument `{name}` must be of type {kind.__name__}.")
