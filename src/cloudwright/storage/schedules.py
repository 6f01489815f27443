"""Schedules of executions: stored, listed, and moved on from run to run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, select, update

from cloudwright.errors import Conflict, NotFound
from cloudwright.model.event import Event
from cloudwright.model.execution import ExecutionStatus
from cloudwright.model.recurrence import Occurrence
from cloudwright.model.schedule import Schedule, Skip, position_of
from cloudwright.storage.events import insert_locked
from cloudwright.storage.locks import lock_row
from cloudwright.storage.paging import Page, columns_of, holds, one_of, read_page
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import Execution
from cloudwright.storage.schema import deployments, executions, schedule_skips
from cloudwright.storage.schema import execution_schedules as table
from cloudwright.storage.visibility import Tenancy, seen

#: How many skips of a schedule are kept.
KEPT_SKIPS = 100


@dataclass(frozen=True, slots=True)
class ListedSchedule:
    """A schedule, the status of its last execution, and its deployment's visibility."""

    schedule: Schedule
    latest_status: ExecutionStatus | None
    visibility: str


_COLUMNS = columns_of(Schedule, table)
_THIS = and_(
    table.c.tenant == bindparam("of_tenant"),
    table.c.deployment_id == bindparam("deployment"),
    table.c.id == bindparam("schedule"),
)
_LISTED = (
    select(*_COLUMNS, executions.c.status, deployments.c.visibility)
    .join(
        deployments,
        and_(deployments.c.tenant == table.c.tenant, deployments.c.id == table.c.deployment_id),
    )
    .outerjoin(executions, executions.c.id == table.c.latest_execution_id)
)
_GET = Prepared(_LISTED.where(_THIS))
_HOLD = Prepared(lock_row(select(*_COLUMNS).where(_THIS)))
_DUE = Prepared(_LISTED.where(table.c.next_occurrence <= bindparam("when")).order_by(table.c.next_occurrence))
_NEXT = Prepared(select(func.min(table.c.next_occurrence)))
_MOVE_ON = Prepared(
    update(table)
    .where(_THIS, table.c.version == bindparam("known"))
    .values(
        next_occurrence=bindparam("due"),
        position=bindparam("place"),
        latest_execution_id=func.coalesce(bindparam("execution"), table.c.latest_execution_id),
        version=table.c.version + 1,
    )
    .returning(table.c.id)
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: table.c[name]
    for name in (
        "id",
        "deployment_id",
        "workflow_id",
        "created_at",
        "created_by",
        "next_occurrence",
        "since",
        "until",
        "enabled",
        "stop_on_fail",
        "slip",
    )
}


class AlreadyTaken(Exception):
    """Somebody else changed the schedule, or took its run."""


def add(conn: Connection, schedule: Schedule) -> None:
    """Raises Conflict."""
    if _GET.first(conn, **_key(schedule)) is not None:
        raise Conflict(
            f"There is a schedule `{schedule.id}` of deployment `{schedule.deployment_id}` already."
        )
    conn.execute(
        insert(table), dict(zip((field.name for field in fields(Schedule)), _values(schedule), strict=True))
    )


def get(conn: Connection, tenant: str, deployment_id: str, id: str) -> ListedSchedule:
    """Raises NotFound."""
    row = _GET.first(conn, of_tenant=tenant, deployment=deployment_id, schedule=id)
    if row is None:
        raise _missing(deployment_id, id)
    return _listed(*row)


def list_schedules(
    conn: Connection,
    tenant: Tenancy,
    page: Page,
    *,
    ids: Collection[str] | None = None,
    deployment_ids: Collection[str] | None = None,
    workflow_ids: Collection[str] | None = None,
    search: str | None = None,
) -> tuple[list[ListedSchedule], int]:
    conditions = one_of(
        {
            table.c.id: ids,
            table.c.deployment_id: deployment_ids,
            table.c.workflow_id: workflow_ids,
        }
    )
    return read_page(
        conn,
        _LISTED.where(*seen(tenant, table), *conditions, *holds(table.c.id, search)),
        _listed,
        page,
        sortable=_SORTABLE,
        default=(table.c.deployment_id,),
        unique=(table.c.tenant, table.c.deployment_id, table.c.id),
    )


def change(conn: Connection, tenant: str, deployment_id: str, id: str, changes: dict[str, Any]) -> None:
    """Write some columns. Raises NotFound."""
    statement = (
        update(table)
        .where(table.c.tenant == tenant, table.c.deployment_id == deployment_id, table.c.id == id)
        .values(**changes, version=table.c.version + 1)
    )
    if not conn.execute(statement).rowcount:
        raise _missing(deployment_id, id)


def remove(conn: Connection, tenant: str, deployment_id: str, id: str) -> None:
    """Delete it; what it started continues. Raises NotFound."""
    statement = delete(table).where(
        table.c.tenant == tenant, table.c.deployment_id == deployment_id, table.c.id == id
    )
    if not conn.execute(statement).rowcount:
        raise _missing(deployment_id, id)


def due(conn: Connection, now: datetime) -> list[ListedSchedule]:
    return [_listed(*row) for row in _DUE.all(conn, when=now)]


def next_due(conn: Connection) -> datetime | None:
    row = _NEXT.first(conn)
    return None if row is None else row[0]


def move_on(
    conn: Connection,
    seen: Schedule,
    next: Occurrence | None,
    *,
    skips: Sequence[Skip],
    started: Execution | None = None,
    now: datetime,
) -> None:
    """Go on to the next run, with the execution of the one that was due if it happens.

    Raises AlreadyTaken if the schedule is not the one that was seen: then nothing may be stored.
    """
    _HOLD.first(conn, **_key(seen))
    moved = _MOVE_ON.first(
        conn,
        **_key(seen),
        known=seen.version,
        due=None if next is None else next.due,
        place=position_of(next),
        execution=None if started is None else started.id,
    )
    if moved is None:
        raise AlreadyTaken
    if started is not None and seen.next_occurrence is not None:
        message = f"Schedule `{seen.id}` started it; it was due {seen.next_occurrence.isoformat()}"
        details = {"schedule": seen.id, "due": seen.next_occurrence.isoformat()}
        event = Event(started.id, now, message, event_type="execution_scheduled", details=details)
        insert_locked(conn, [event])
    if skips:
        _record(conn, seen, skips)


def list_skips(conn: Connection, schedule: Schedule) -> list[Skip]:
    """Return the runs that did not happen, the latest first."""
    rows = conn.execute(
        select(*columns_of(Skip, schedule_skips))
        .where(*_skips_of(schedule))
        .order_by(schedule_skips.c.id.desc())
    )
    return [Skip(*row) for row in rows]


def _record(conn: Connection, schedule: Schedule, skips: Sequence[Skip]) -> None:
    whose = {
        "tenant": schedule.tenant,
        "deployment_id": schedule.deployment_id,
        "schedule_id": schedule.id,
    }
    names = [field.name for field in fields(Skip)]
    rows = [whose | {name: getattr(skip, name) for name in names} for skip in skips]
    conn.execute(insert(schedule_skips), rows)
    kept = (
        select(schedule_skips.c.id)
        .where(*_skips_of(schedule))
        .order_by(schedule_skips.c.id.desc())
        .limit(KEPT_SKIPS)
    )
    conn.execute(
        delete(schedule_skips).where(*_skips_of(schedule), schedule_skips.c.id.not_in(kept.scalar_subquery()))
    )


def _skips_of(schedule: Schedule) -> list[ColumnElement[bool]]:
    return [
        schedule_skips.c.tenant == schedule.tenant,
        schedule_skips.c.deployment_id == schedule.deployment_id,
        schedule_skips.c.schedule_id == schedule.id,
    ]


def _key(schedule: Schedule) -> dict[str, str]:
    return {
        "of_tenant": schedule.tenant,
        "deployment": schedule.deployment_id,
        "schedule": schedule.id,
    }


def _values(schedule: Schedule) -> list[Any]:
    return [getattr(schedule, field.name) for field in fields(Schedule)]


def _listed(*row: Any) -> ListedSchedule:
    *own, status, visibility = row
    return ListedSchedule(Schedule(*own), None if status is None else ExecutionStatus(status), visibility)


def _missing(deployment_id: str, id: str) -> NotFound:
    return NotFound(f"There is no schedule `{id}` of deployment `{deployment_id}`.")
