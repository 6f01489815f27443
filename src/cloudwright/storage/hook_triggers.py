"""Deliveries of hooks, stored in the transaction of what triggers them.

The verbs that store events say so (``note``), and the writer compares what happened in a transaction with the
hooks, once, before it commits (``flush``). It keeps those that it read on its connection until one of them
changes (``forget``): on PostgreSQL it would otherwise wait for an answer in every transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, exists, insert, select

from cloudwright.model.event import EVENT, Event
from cloudwright.model.hook import DeliveryState, Hook, status_begun
from cloudwright.storage import manager_queries
from cloudwright.storage.json_codec import storable
from cloudwright.storage.paging import columns_of
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import Execution
from cloudwright.storage.schema import executions, hook_deliveries, hooks

_HAPPENED = "cloudwright.hook_triggers"
_KEPT = "cloudwright.enabled_hooks"
_ENABLED = Prepared(select(*columns_of(Hook, hooks)).where(hooks.c.enabled).order_by(hooks.c.id))
_INSERT = Prepared(
    insert(hook_deliveries),
    (
        "id",
        "tenant",
        "hook_id",
        "execution_id",
        "event_type",
        "payload",
        "state",
        "attempts",
        "next_attempt_at",
        "created_at",
    ),
)
_PARENT = Prepared(
    select(
        executions.c.parent_id,
        exists().where(hook_deliveries.c.started_execution == executions.c.id),
    ).where(executions.c.id == bindparam("execution"))
)


def note(conn: Connection, new: Sequence[Event]) -> None:
    """Have hooks look at events when the transaction is committed."""
    happened = [event for event in new if event.kind == EVENT]
    if happened:
        conn.info.setdefault(_HAPPENED, []).extend(happened)


def flush(conn: Connection, new_id: Callable[[], str]) -> bool:
    """Store the deliveries that this transaction triggers; return whether there are any."""
    happened: list[Event] | None = conn.info.pop(_HAPPENED, None)
    if not happened:
        return False
    waiting = enabled(conn)
    if not waiting:
        return False
    known: dict[str, Execution] = {}
    rows = []
    for event in happened:
        for hook in waiting:
            if not hook.wants(event):
                continue
            execution = known.get(event.execution_id)
            if execution is None:
                execution = known[event.execution_id] = manager_queries.get(conn, event.execution_id)
            if _is_of(hook, execution) and not (hook.url is None and _is_begun_by_hook(conn, execution.id)):
                rows.append(_delivery(new_id(), hook, event, execution))
    if rows:
        _INSERT.run_many(conn, rows)
    return bool(rows)


def enabled(conn: Connection) -> list[Hook]:
    """Return the enabled hooks of all tenants, as this connection read them since one changed."""
    kept: list[Hook] | None = conn.info.get(_KEPT)
    if kept is None:
        kept = conn.info[_KEPT] = [Hook(*row) for row in _ENABLED.all(conn)]
    return kept


def forget(conn: Connection) -> None:
    """Read the hooks again at the next look: this transaction changes some."""
    conn.info.pop(_KEPT, None)


def drop(conn: Connection) -> None:
    """Forget what happened in a transaction that was rolled back, and hooks that were read in it."""
    conn.info.pop(_HAPPENED, None)
    forget(conn)


def _is_of(hook: Hook, execution: Execution) -> bool:
    return hook.tenant == execution.tenant and hook.of_deployment in (None, execution.deployment_id)


def _is_begun_by_hook(conn: Connection, execution_id: str) -> bool:
    """Return whether a hook started the execution, or one that waits for it: such a one starts no other, or
    hooks could start workflows for ever.
    """
    next: str | None = execution_id
    while next is not None:
        row = _PARENT.first(conn, execution=next)
        if row is None:
            return False
        next, started_by_hook = row
        if started_by_hook:
            return True
    return False


def _delivery(id: str, hook: Hook, event: Event, execution: Execution) -> dict[str, Any]:
    return {
        "id": id,
        "tenant": hook.tenant,
        "hook_id": hook.id,
        "execution_id": execution.id,
        "event_type": storable(event.event_type or ""),
        "payload": _payload(id, hook, event, execution),
        "state": DeliveryState.PENDING,
        "attempts": 0,
        "next_attempt_at": event.timestamp,
        "created_at": event.timestamp,
    }


def _payload(id: str, hook: Hook, event: Event, execution: Execution) -> dict[str, Any]:
    return {
        "id": id,
        "hook": hook.id,
        "tenant": hook.tenant,
        "event_type": event.event_type,
        "status": status_begun(event),
        "timestamp": event.timestamp.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "message": event.message,
        "details": event.details,
        "execution": {
            "id": execution.id,
            "workflow_id": execution.workflow_id,
            "deployment_id": execution.deployment_id,
            "blueprint_id": execution.blueprint_id,
            "created_by": execution.created_by,
            "error": execution.error,
        },
        "node_instance_id": event.node_instance_id,
        "source_id": event.source_id,
        "target_id": event.target_id,
        "operation": event.operation,
    }
