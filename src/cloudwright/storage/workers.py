"""Workers on other machines, and which connection of each counts: its *session*."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from cloudwright.errors import NotFound
from cloudwright.model.execution import ExecutionStatus
from cloudwright.model.operation import OperationState
from cloudwright.storage.columns import is_
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.locks import lock_executions
from cloudwright.storage.paging import Page, columns_of, holds, one_of, read_page
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.schema import executions, operations, workers
from cloudwright.storage.visibility import Tenancy, seen

CREATED = "created"
CONNECTED = "connected"
UNREACHABLE = "unreachable"
STOPPED = "stopped"
#: Deleted without having been seen to stop: kept so that it can be told to, should it come back.
DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """``host_id`` is the node instance that an agent is for. ``session`` grows with each connection, ``life``
    is new at each start of the worker's process. ``state_since`` is when ``state`` was entered.
    """

    name: str
    tenant: str
    kind: str
    deployment_id: str | None
    node_id: str | None
    host_id: str | None
    install_method: str | None
    token_hash: str | None = field(repr=False)
    machine: str | None
    life: str | None
    session: int
    manager: str | None
    state: str
    state_since: datetime
    last_seen: datetime | None
    version: str | None
    protocol: int | None
    system: str | None
    ip: str | None
    capacity: int
    labels: dict[str, str]
    created_by: str | None
    created_at: datetime
    #: Of the token with which a worker gets its own one, once, and when that ends to count.
    enrolment_hash: str | None = field(default=None, repr=False)
    enrolment_expires: datetime | None = None


_CHANGEABLE = frozenset(
    {
        "token_hash",
        "enrolment_hash",
        "enrolment_expires",
        "machine",
        "state",
        "state_since",
        "last_seen",
        "install_method",
        "life",
        "session",
    }
    | {"manager", "version", "protocol", "system", "ip", "capacity"}
)
_CATALOGUE = KeyedTable(WorkerRow, workers, "agent", changeable=_CHANGEABLE)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: workers.c[name]
    for name in ("name", "deployment_id", "node_id", "host_id", "state", "created_at", "version", "system")
} | {"id": workers.c.name}
_OF_HOST = Prepared(
    select(*columns_of(WorkerRow, workers)).where(
        workers.c.tenant == bindparam("of_tenant"), workers.c.host_id == bindparam("host")
    )
)
_OF_TOKEN = Prepared(
    select(*columns_of(WorkerRow, workers)).where(workers.c.token_hash == bindparam("digest"))
)
_OF_ENROLMENT = Prepared(
    select(*columns_of(WorkerRow, workers)).where(workers.c.enrolment_hash == bindparam("digest"))
)
_MAY_BEGIN = Prepared(
    select(executions.c.status)
    .join(operations, operations.c.execution_id == executions.c.id)
    .where(
        operations.c.id == bindparam("operation"),
        operations.c.attempt == bindparam("which"),
        is_(operations.c.state, OperationState.STARTED),
        operations.c.worker == bindparam("by"),
        executions.c.term == bindparam("current"),
    )
)


def create(conn: Connection, worker: WorkerRow) -> WorkerRow:
    """Raises Conflict."""
    return _CATALOGUE.add(conn, worker)


def get(conn: Connection, name: str) -> WorkerRow:
    """Raises NotFound."""
    return _CATALOGUE.get(conn, name)


def get_in(conn: Connection, tenant: str, name: str) -> WorkerRow:
    """Raises NotFound, also if it is another tenant's."""
    worker = _CATALOGUE.get(conn, name)
    if worker.tenant != tenant:
        raise NotFound(f"There is no agent `{name}` in tenant `{tenant}`.")
    return worker


def of_host(conn: Connection, tenant: str, host_id: str) -> WorkerRow | None:
    """Return the agent of a node instance, if it has one."""
    row = _OF_HOST.first(conn, of_tenant=tenant, host=host_id)
    return None if row is None else WorkerRow(*row)


def change(conn: Connection, name: str, changes: Mapping[str, Any]) -> WorkerRow:
    """Write some columns. Raises NotFound."""
    return _CATALOGUE.change(conn, (name,), changes)


def connect(conn: Connection, name: str, changes: Mapping[str, Any], now: datetime) -> WorkerRow:
    """Begin a new session of a worker, which makes every earlier one void. Raises NotFound."""
    session = _CATALOGUE.get(conn, name).session + 1
    entered = {"session": session, "state": CONNECTED, "state_since": now, "last_seen": now}
    return _CATALOGUE.change(conn, (name,), {**changes, **entered})


def set_state(
    conn: Connection, name: str, session: int, state: str, now: datetime, last_seen: datetime | None
) -> bool:
    """Write what became of a session; False if it is not the worker's last one any more."""
    statement = (
        update(workers)
        .where(workers.c.name == name, workers.c.session == session)
        .values(state=state, state_since=now, last_seen=last_seen)
    )
    return bool(conn.execute(statement).rowcount)


def of_token(conn: Connection, digest: str) -> WorkerRow | None:
    """Return the worker that has a token, deleted ones included."""
    row = _OF_TOKEN.first(conn, digest=digest)
    return None if row is None else WorkerRow(*row)


def of_enrolment(conn: Connection, digest: str) -> WorkerRow | None:
    """Return the worker that a token of enrolment is for, deleted ones included."""
    row = _OF_ENROLMENT.first(conn, digest=digest)
    return None if row is None else WorkerRow(*row)


def delete(conn: Connection, name: str, now: datetime) -> None:
    """Delete a worker. If it may live, its row stays under another name. Raises NotFound."""
    worker = _CATALOGUE.get(conn, name)
    if worker.state in (CREATED, STOPPED):
        _CATALOGUE.remove(conn, name)
        return
    grave = {"name": f"{name}~{now:%Y%m%d%H%M%S%f}", "host_id": None, "state": DELETED, "state_since": now}
    conn.execute(update(workers).where(workers.c.name == name).values(grave))


def delete_of_deployment(conn: Connection, tenant: str, deployment_id: str, now: datetime) -> None:
    """Delete the agents of a deployment's hosts."""
    its = workers.c.tenant == tenant, workers.c.deployment_id == deployment_id, workers.c.state != DELETED
    for (name,) in conn.execute(select(workers.c.name).where(*its)).all():
        delete(conn, name, now)


def everything(conn: Connection) -> list[WorkerRow]:
    """Return all that are not deleted."""
    statement = select(*columns_of(WorkerRow, workers)).where(workers.c.state != DELETED)
    return [WorkerRow(*row) for row in conn.execute(statement)]


def list_workers(
    conn: Connection,
    tenant: Tenancy,
    wanted: Mapping[str, Collection[str] | None],
    search: str | None,
    page: Page,
) -> tuple[list[WorkerRow], int]:
    """List those whose columns have one of the ``wanted`` values."""
    columns: dict[ColumnElement[Any], Collection[Any] | None] = {
        workers.c[name]: values for name, values in wanted.items()
    }
    conditions = [*seen(tenant, workers), *one_of(columns), workers.c.state != DELETED]
    return read_page(
        conn,
        _CATALOGUE.light.where(*conditions, *holds(workers.c.name, search)),
        WorkerRow,
        page,
        sortable=_SORTABLE,
        default=(workers.c.name,),
        unique=(workers.c.name,),
    )


def may_begin(
    conn: Connection,
    key: tuple[str, int, str, int],
    worker: str,
    session: int,
    *,
    aware: bool,
) -> bool:
    """Return whether a granted operation (execution id, term, operation id, attempt) may begin on ``worker``.

    The execution is locked until the commit, so that a request to stop it is stored before this or after.
    """
    execution_id, term, operation_id, attempt = key
    lock_executions(conn, {execution_id})
    if get(conn, worker).session != session:
        return False
    row = _MAY_BEGIN.first(conn, operation=operation_id, which=attempt, by=worker, current=term)
    if row is None:
        return False
    return row[0] == ExecutionStatus.STARTED or (aware and row[0] == ExecutionStatus.CANCELLING)
