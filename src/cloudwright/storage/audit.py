"""The audit log: who changed what, when and from where.

A request that may change something has an entry, which its task carries. Whatever the store writes for the
request records the entry in the same transaction, once for the request: what is stored is recorded, and what
is refused is not.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select

from cloudwright.storage.paging import Page, columns_of, one_of, read_page
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import JsonObject
from cloudwright.storage.schema import audit_log

T = TypeVar("T")


@dataclass(slots=True)
class AuditEntry:
    """``action`` is the permission that the change needed, ``operation`` what it did: create, update or
    delete. ``identifier`` says what it was done to, and ``ref_id`` is its key. ``request`` names the request.
    """

    request: str
    creator_name: str
    action: str
    operation: str
    ref_table: str
    ref_id: str | None
    identifier: JsonObject
    created_at: datetime
    execution_id: str | None = None
    address: str | None = None
    closed: bool = False

    def refer(self, id: str, **more: str) -> None:
        """Say what the change is done to."""
        self.ref_id = id
        self.identifier |= {"id": id, **more}


@dataclass(frozen=True, slots=True)
class AuditRecord:
    id: int
    created_at: datetime
    creator_name: str
    execution_id: str | None
    address: str | None
    action: str
    operation: str
    ref_table: str
    ref_id: str | None
    ref_identifier: JsonObject


_current: ContextVar[AuditEntry | None] = ContextVar("audit_entry", default=None)
_RECORDED = Prepared(select(audit_log.c.id).where(audit_log.c.request == bindparam("this_request")))
_COLUMNS = tuple(column.name for column in audit_log.c if column.name != "id")
_INSERT = Prepared(insert(audit_log), _COLUMNS)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: audit_log.c[name]
    for name in ("id", "created_at", "creator_name", "execution_id", "operation", "ref_table", "ref_id")
}


def open_entry(entry: AuditEntry) -> None:
    """Have what this task writes from now on record the entry, until it is closed."""
    _current.set(entry)


def refer(id: str, **more: str) -> None:
    """Say what the change is done to, if the path does not: the key of what it creates, and more of it."""
    entry = _current.get()
    if entry is not None and not entry.closed:
        entry.refer(id, **more)


def act(action: str) -> None:
    """Say which permission the change needed, if it is not the one that its route declares."""
    entry = _current.get()
    if entry is not None:
        entry.action = action


def recorded(call: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """Return the write with the record of this task's entry; the write itself if there is none."""
    entry = _current.get()
    if entry is None or entry.closed:
        return call

    def write(conn: Connection) -> T:
        result = call(conn)
        _record(conn, entry)
        return result

    return write


def _record(conn: Connection, entry: AuditEntry) -> None:
    if _RECORDED.first(conn, this_request=entry.request) is not None:
        return
    _INSERT.run_many(
        conn,
        [
            {
                "request": entry.request,
                "created_at": entry.created_at,
                "creator_name": entry.creator_name,
                "execution_id": entry.execution_id,
                "address": entry.address,
                "action": entry.action,
                "operation": entry.operation,
                "ref_table": entry.ref_table,
                "ref_id": entry.ref_id,
                "ref_identifier": dict(entry.identifier),
            }
        ],
    )


def list_records(
    conn: Connection,
    page: Page,
    *,
    creator_name: str | None = None,
    execution_id: str | None = None,
    since: datetime | None = None,
) -> tuple[list[AuditRecord], int]:
    conditions = _conditions(creator_name, execution_id)
    if since is not None:
        conditions.append(audit_log.c.created_at >= since)
    return read_page(
        conn,
        select(*columns_of(AuditRecord, audit_log)).where(*conditions),
        AuditRecord,
        page,
        sortable=_SORTABLE,
        default=(audit_log.c.created_at,),
        unique=(audit_log.c.id,),
    )


def truncate(
    conn: Connection, before: datetime, *, creator_name: str | None = None, execution_id: str | None = None
) -> int:
    """Delete what is older, and return how much that was."""
    conditions = _conditions(creator_name, execution_id)
    return conn.execute(delete(audit_log).where(audit_log.c.created_at < before, *conditions)).rowcount


def _conditions(creator_name: str | None, execution_id: str | None) -> list[ColumnElement[bool]]:
    return list(
        one_of(
            {
                audit_log.c.creator_name: None if creator_name is None else [creator_name],
                audit_log.c.execution_id: None if execution_id is None else [execution_id],
            }
        )
    )
