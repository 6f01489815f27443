"""Groups of executions: stored and listed. ``executions.groups`` starts and stops their members."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from cloudwright.errors import NotFound
from cloudwright.model.execution import CancelMode, ExecutionStatus
from cloudwright.model.execution_group import group_status
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.paging import Page, holds, one_of, read_page
from cloudwright.storage.schema import execution_groups as table
from cloudwright.storage.schema import executions
from cloudwright.storage.visibility import Tenancy, seen


@dataclass(frozen=True, slots=True)
class ExecutionGroup:
    """One workflow on many deployments. ``concurrency`` members run at a time.

    Deployments whose execution ends well or badly come into ``success_group_id`` and ``failure_group_id``.
    ``cancel_mode`` is the strongest request to stop it; while there is one, no member leaves the queue.
    """

    id: str
    tenant: str
    deployment_group_id: str
    workflow_id: str
    concurrency: int
    success_group_id: str | None
    failure_group_id: str | None
    cancel_mode: CancelMode | None
    cancel_requested_by: str | None
    cancel_requested_at: datetime | None
    visibility: str
    created_by: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group, the ids of its executions, and how many have which status."""

    group: ExecutionGroup
    execution_ids: Sequence[str]
    counts: Mapping[ExecutionStatus, int]

    @property
    def status(self) -> ExecutionStatus:
        return group_status(self.counts, self.group.cancel_mode)


_CATALOGUE = KeyedTable(
    ExecutionGroup,
    table,
    "execution group",
    changeable={
        "concurrency",
        "success_group_id",
        "failure_group_id",
        "cancel_mode",
        "cancel_requested_by",
        "cancel_requested_at",
    },
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: table.c[name]
    for name in ("id", "workflow_id", "deployment_group_id", "concurrency", "created_by", "created_at")
}


def add(conn: Connection, group: ExecutionGroup) -> None:
    """Raises Conflict."""
    _CATALOGUE.add(conn, group)


def get(conn: Connection, tenant: str, id: str) -> ExecutionGroup:
    """Raises NotFound."""
    group = _CATALOGUE.get(conn, id) if id else None
    if group is None or group.tenant != tenant:
        raise NotFound(f"There is no execution group `{id}` in tenant `{tenant}`.")
    return group


def change(conn: Connection, id: str, **changes: Any) -> ExecutionGroup:
    """Raises NotFound."""
    return _CATALOGUE.change(conn, (id,), changes)


def get_view(conn: Connection, tenant: str, id: str) -> GroupView:
    """Raises NotFound."""
    return _views(conn, [get(conn, tenant, id)])[0]


def list_views(
    conn: Connection, tenant: Tenancy, ids: Collection[str] | None, search: str | None, page: Page
) -> tuple[list[GroupView], int]:
    conditions = [*seen(tenant, table), *one_of({table.c.id: ids})]
    rows, total = read_page(
        conn,
        _CATALOGUE.light.where(*conditions, *holds(table.c.id, search)),
        ExecutionGroup,
        page,
        sortable=_SORTABLE,
        default=(table.c.created_at,),
        unique=(table.c.id,),
    )
    return _views(conn, rows), total


def _views(conn: Connection, groups: Sequence[ExecutionGroup]) -> list[GroupView]:
    if not groups:
        return []
    members: dict[str, list[str]] = {group.id: [] for group in groups}
    counts: dict[str, dict[ExecutionStatus, int]] = {group.id: {} for group in groups}
    found = select(executions.c.group_id, executions.c.id, executions.c.status).where(
        executions.c.group_id.in_(list(members))
    )
    # As they leave the queue.
    order = executions.c.created_at, executions.c.deployment_id, executions.c.id
    for group_id, id, status in conn.execute(found.order_by(*order)):
        members[group_id].append(id)
        counts[group_id][status] = counts[group_id].get(status, 0) + 1
    return [GroupView(group, members[group.id], counts[group.id]) for group in groups]
