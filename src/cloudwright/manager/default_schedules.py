"""What a blueprint's ``deployment_settings`` make with a deployment: its schedules, and its groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cloudwright.errors import InvalidInput
from cloudwright.model.recurrence import first_to_come, later
from cloudwright.model.schedule import DEFAULT_SLIP, Schedule, position_of
from cloudwright.storage import deployment_groups, schedules
from cloudwright.storage.deployment_groups import DeploymentGroup
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Deployment
from cloudwright.storage.store import Connection

_RULE = ("recurrence", "count", "weekdays")


def default_schedules(settings: Mapping[str, Any], deployment: Deployment, now: datetime) -> list[Schedule]:
    """Return the schedules of a new deployment. Raises InvalidInput if one cannot be."""
    return [
        _schedule(name, entry, deployment, now)
        for name, entry in (settings.get("default_schedules") or {}).items()
    ]


def add_defaults(
    conn: Connection,
    settings: Mapping[str, Any],
    deployment: Deployment,
    new: list[Schedule],
    now: datetime,
) -> None:
    """Store the schedules, and take the deployment into its groups, which are made if they do not exist."""
    for schedule in new:
        schedules.add(conn, schedule)
    for id in settings.get("default_groups") or ():
        deployment_groups.add_if_missing(
            conn,
            DeploymentGroup(
                deployment.tenant, str(id), "tenant", None, None, {}, [], 0, deployment.created_by, now
            ),
        )
        deployment_groups.add_members(conn, deployment.tenant, str(id), [deployment.id], now)


def change_defaults(
    conn: Connection, change: Mapping[str, Any], deployment: Deployment, now: datetime
) -> None:
    """Give the deployment schedules of another blueprint, and take those of its former one.

    One that a user made under such a name stays, and one that a user deleted does not come back unless it
    changes.
    """
    rows, _ = schedules.list_schedules(conn, deployment.tenant, EVERYTHING, deployment_ids=[deployment.id])
    there = {row.schedule.id for row in rows}
    for id in there.intersection(change["delete"]):
        schedules.remove(conn, deployment.tenant, deployment.id, id)
        there.remove(id)
    for schedule in default_schedules({"default_schedules": change["create"]}, deployment, now):
        if schedule.id not in there:
            schedules.add(conn, schedule)


def _schedule(name: str, entry: Mapping[str, Any], deployment: Deployment, now: datetime) -> Schedule:
    workflow = str(entry["workflow"])
    if workflow not in deployment.workflows:
        raise InvalidInput(f"Schedule `{name}` of the blueprint starts `{workflow}`, which it does not have.")
    rule = {key: entry[key] for key in _RULE if entry.get(key)}
    if "weekdays" in rule:
        rule["weekdays"] = [str(day).strip().lower().replace("-1", "l-") for day in rule["weekdays"]]
    if "recurrence" not in rule and rule.get("count") is None:
        rule["count"] = 1
    schedule = Schedule(
        tenant=deployment.tenant,
        deployment_id=deployment.id,
        id=name,
        workflow_id=workflow,
        parameters=dict(entry.get("workflow_parameters") or {}),
        execution_arguments=dict(entry.get("execution_arguments") or {}),
        since=_time(str(entry["since"]), now),
        until=_time(str(entry["until"]), now) if entry.get("until") else None,
        timezone=None,
        rule=rule,
        slip=int(entry.get("slip", DEFAULT_SLIP)),
        stop_on_fail=bool(entry.get("stop_after_fail", False)),
        enabled=bool(entry.get("default_enabled", True)),
        next_occurrence=None,
        position=None,
        latest_execution_id=None,
        forgiven_execution_id=None,
        version=0,
        created_by=deployment.created_by,
        created_at=now,
    )
    schedule.whole_rule.check()
    # One whose time is over is there and has no run, as the blueprint says.
    first = first_to_come(schedule.whole_rule, now) if schedule.enabled else None
    if first is None:
        return schedule
    return replace(schedule, next_occurrence=first.due, position=position_of(first))


def _time(text: str, now: datetime) -> datetime:
    """Return a time as the parser of blueprints leaves it: in UTC, or from now."""
    if text.startswith("+"):
        return later(text, now).replace(microsecond=0)
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
