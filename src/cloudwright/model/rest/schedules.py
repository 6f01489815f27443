"""Schedules of executions."""

from __future__ import annotations

from typing_extensions import TypedDict

from cloudwright.model.rest.common import Object, Owned


class SkippedRuns(TypedDict):
    """``count`` runs, due from ``first_due`` to ``last_due``, that did not happen."""

    first_due: str
    last_due: str
    count: int
    reason: str
    recorded_at: str


class ExecutionSchedule(Owned, total=False):
    """``all_next_occurrences`` are the next hundred at most, as `2030-12-31 23:59:00` in UTC.

    ``status`` is `waiting`, `disabled`, `stopped` (its last execution failed, and ``stop_on_fail`` is set) or
    `over`. ``skipped`` are the latest runs that did not happen; a list of schedules leaves them out.
    """

    id: str
    deployment_id: str
    workflow_id: str
    parameters: Object
    execution_arguments: Object
    since: str
    until: str | None
    timezone: str | None
    rule: Object
    slip: int
    stop_on_fail: bool
    enabled: bool
    status: str
    next_occurrence: str | None
    all_next_occurrences: list[str]
    latest_execution_id: str | None
    latest_execution_status: str | None
    skipped: list[SkippedRuns]
    created_at: str
