"""Operations and local tasks of executions: their fields."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, bindparam, select

from cloudwright.errors import NotFound
from cloudwright.storage import operations as rows
from cloudwright.storage.columns import unindexed
from cloudwright.storage.filters import OperationFilter
from cloudwright.storage.json_pages import JsonPage, JsonRecords, Projection, json_page
from cloudwright.storage.paging import Page
from cloudwright.storage.resources.expressions import NULL, OVER, STARTED
from cloudwright.storage.schema import executions, operations

#: For rows that are joined to their executions.
OPERATION = Projection(
    {
        "id": operations.c.id,
        "name": operations.c.name,
        "type": operations.c.kind,
        "state": operations.c.state,
        "residual": and_(OVER, STARTED),
        "attempt": operations.c.attempt,
        "tasks_graph_id": operations.c.graph_id,
        "execution_id": operations.c.execution_id,
        "dependencies": operations.c.depends_on,
        "parameters": operations.c.parameters,
        "result": operations.c.result,
        "failure": operations.c.failure,
        "plugin": operations.c.plugin,
        "executor": operations.c.executor,
        "node_instance_id": operations.c.instance_id,
        "source_id": operations.c.source_id,
        "target_id": operations.c.target_id,
        # Managers run every operation: no host has an agent.
        "agent_name": NULL,
        "manager_name": operations.c.worker,
        "pid": operations.c.pid,
        "created_at": operations.c.created_at,
        "sent_at": operations.c.sent_at,
        "started_at": operations.c.started_at,
        "ended_at": operations.c.ended_at,
    }
)

_RECORD = JsonRecords(
    OPERATION,
    select(operations.c.id)
    .join(executions, executions.c.id == operations.c.execution_id)
    .where(
        operations.c.id == bindparam("operation"), unindexed(executions.c.tenant) == bindparam("of_tenant")
    ),
)


def get_json(conn: Connection, tenant: str, id: str, chosen: Collection[str] | None = None) -> str:
    """Read one operation; ``chosen`` are the wanted fields, None means all. Raises NotFound."""
    found = _RECORD.json(conn, chosen, operation=id, of_tenant=tenant)
    if found is None:
        raise NotFound(f"There is no operation `{id}`.")
    return found


def get_page(
    conn: Connection, filter: OperationFilter, chosen: Collection[str] | None, page: Page
) -> JsonPage:
    """Read a page of the operations of a tenant, which the filter has to name."""
    return json_page(conn, rows.listing(filter), OPERATION, chosen, page)
