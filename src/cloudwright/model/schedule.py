"""Schedules: executions that are started at given times, and why one is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cloudwright.model.execution import END_STATUSES, ExecutionStatus
from cloudwright.model.recurrence import Occurrence, Rule

#: For how many minutes a run may be late if its schedule does not say it.
DEFAULT_SLIP = 5
#: A schedule is exact to the minute: as late as this is not late.
_EXACTNESS = timedelta(minutes=1)


class ScheduleStatus(StrEnum):
    # Its next run is known.
    WAITING = "waiting"
    # A user disabled it.
    DISABLED = "disabled"
    # Its last execution failed, and it is one that stops then.
    STOPPED = "stopped"
    # It has no run any more.
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A workflow of a deployment that is started by itself.

    ``rule`` holds ``recurrence``, ``count``, ``weekdays`` and ``rrule``. ``slip`` is for how many minutes a
    run may be late. ``position`` is the next run as it continues the rule: ``nominal`` and ``number``.
    ``forgiven_execution_id`` is a failed execution after which the schedule was enabled again. ``version``
    counts its changes.
    """

    tenant: str
    deployment_id: str
    id: str
    workflow_id: str
    parameters: dict[str, Any] = field(repr=False)
    execution_arguments: dict[str, Any]
    since: datetime
    until: datetime | None
    timezone: str | None
    rule: dict[str, Any]
    slip: int
    stop_on_fail: bool
    enabled: bool
    next_occurrence: datetime | None
    position: dict[str, Any] | None
    latest_execution_id: str | None
    forgiven_execution_id: str | None
    version: int
    created_by: str | None
    created_at: datetime

    @property
    def whole_rule(self) -> Rule:
        return Rule(
            self.since,
            self.until,
            self.rule.get("recurrence"),
            self.rule.get("count"),
            tuple(self.rule.get("weekdays") or ()),
            self.rule.get("rrule"),
            self.timezone,
        )

    @property
    def next(self) -> Occurrence | None:
        """Return the next run, if it has one."""
        if self.next_occurrence is None or self.position is None:
            return None
        nominal = datetime.fromisoformat(self.position["nominal"])
        return Occurrence(nominal, self.position["number"], self.next_occurrence)

    def is_stopped(self, latest: ExecutionStatus | None) -> bool:
        """Return whether the failure of its last execution, whose status is ``latest``, stops it."""
        return (
            self.stop_on_fail
            and latest is ExecutionStatus.FAILED
            and self.latest_execution_id != self.forgiven_execution_id
        )

    def status(self, latest: ExecutionStatus | None) -> ScheduleStatus:
        if not self.enabled:
            return ScheduleStatus.DISABLED
        if self.next_occurrence is None:
            return ScheduleStatus.OVER
        return ScheduleStatus.STOPPED if self.is_stopped(latest) else ScheduleStatus.WAITING


@dataclass(frozen=True, slots=True)
class Skip:
    """``count`` runs, due from ``first_due`` to ``last_due``, that did not happen."""

    first_due: datetime
    last_due: datetime
    count: int
    reason: str
    recorded_at: datetime


def position_of(occurrence: Occurrence | None) -> dict[str, Any] | None:
    if occurrence is None:
        return None
    return {"nominal": occurrence.nominal.isoformat(), "number": occurrence.number}


def reason_to_skip(
    schedule: Schedule, due: datetime, now: datetime, latest: ExecutionStatus | None
) -> str | None:
    """Return why a run that is due does not happen, None if it does. ``latest`` is the status of the last."""
    late = now - due
    if late > timedelta(minutes=schedule.slip) + _EXACTNESS:
        return (
            f"the manager was not running or too busy: it came {round(late.total_seconds() / 60)} minutes"
            f" late, and its slip is {schedule.slip}"
        )
    if schedule.is_stopped(latest):
        return f"execution {schedule.latest_execution_id} failed, and the schedule stops on a failure"
    if latest is not None and latest not in END_STATUSES:
        return f"the run before it, execution {schedule.latest_execution_id}, is still `{latest}`"
    return None
