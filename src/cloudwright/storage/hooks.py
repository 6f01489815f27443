"""Hooks and their deliveries: stored, listed, and taken to be carried out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, select, update

from cloudwright.errors import Conflict, IllegalAction, NotFound
from cloudwright.model.hook import DeliveryState, Hook
from cloudwright.storage import hook_triggers
from cloudwright.storage.columns import is_, is_any
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.paging import Page, columns_of, holds, one_of, read_page
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.schema import hook_deliveries as deliveries
from cloudwright.storage.schema import hooks
from cloudwright.storage.visibility import Tenancy, seen

#: How many hooks a tenant may have: each is compared with everything that happens.
MAX_HOOKS = 100


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be done once for a hook. ``payload`` is what is sent, ``error`` why the last attempt
    failed.
    """

    id: str
    tenant: str
    hook_id: str
    execution_id: str
    event_type: str
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    response_status: int | None
    error: str | None
    started_execution: str | None
    created_at: datetime
    ended_at: datetime | None
    payload: dict[str, Any] = field(repr=False)


_CHANGEABLE = {
    "event_types",
    "statuses",
    "of_deployment",
    "url",
    "secret",
    "deployment_id",
    "parameters",
    "event_parameter",
    "enabled",
}
_CATALOGUE = KeyedTable(Hook, hooks, "hook", changeable=_CHANGEABLE)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: hooks.c[name] for name in ("id", "url", "workflow_id", "enabled", "created_by", "created_at")
}
_SORTABLE_DELIVERIES: dict[str, ColumnElement[Any]] = {
    name: deliveries.c[name]
    for name in ("id", "hook_id", "execution_id", "event_type", "state", "attempts", "created_at", "ended_at")
}
_COLUMNS = columns_of(Delivery, deliveries)
_PENDING = is_(deliveries.c.state, DeliveryState.PENDING)
_DUE = Prepared(
    select(deliveries.c.tenant, deliveries.c.hook_id, func.min(deliveries.c.next_attempt_at))
    .where(_PENDING)
    .group_by(deliveries.c.tenant, deliveries.c.hook_id)
)
_IS_DUE = and_(_PENDING, deliveries.c.next_attempt_at <= bindparam("when"))
_some = (
    select(deliveries.c.id)
    .where(_IS_DUE, deliveries.c.tenant == bindparam("of_tenant"), deliveries.c.hook_id == bindparam("hook"))
    .order_by(deliveries.c.next_attempt_at, deliveries.c.id)
    .limit(bindparam("most"))
)
_TAKE = Prepared(
    update(deliveries)
    .where(deliveries.c.id.in_(_some), _IS_DUE)
    .values(
        attempts=deliveries.c.attempts + 1, next_attempt_at=bindparam("until"), claimed_by=bindparam("by")
    )
    .returning(*_COLUMNS)
)
_RELEASE = Prepared(
    update(deliveries)
    .where(_PENDING, deliveries.c.claimed_by == bindparam("by"))
    .values(next_attempt_at=bindparam("when"), claimed_by=None)
)
_THIS_ATTEMPT = and_(
    deliveries.c.id == bindparam("delivery"), _PENDING, deliveries.c.attempts == bindparam("attempt")
)
_FINISH = Prepared(
    update(deliveries)
    .where(_THIS_ATTEMPT)
    .values(
        state=bindparam("then"),
        response_status=bindparam("answered"),
        error=bindparam("why"),
        started_execution=bindparam("started"),
        ended_at=bindparam("when"),
        claimed_by=None,
    )
    .returning(deliveries.c.id)
)
_POSTPONE = Prepared(
    update(deliveries)
    .where(_THIS_ATTEMPT)
    .values(
        next_attempt_at=bindparam("until"),
        response_status=bindparam("answered"),
        error=bindparam("why"),
        claimed_by=None,
    )
)


def create(conn: Connection, hook: Hook) -> Hook:
    """Raises Conflict, and IllegalAction if the tenant has as many as it may have."""
    number = conn.scalar(select(func.count()).select_from(hooks).where(hooks.c.tenant == hook.tenant)) or 0
    if number >= MAX_HOOKS:
        raise IllegalAction(f"Tenant `{hook.tenant}` has {number} hooks, which is as many as it may have.")
    hook_triggers.forget(conn)
    return _CATALOGUE.add(conn, hook)


def get(conn: Connection, tenant: str, id: str) -> Hook:
    """Raises NotFound."""
    return _CATALOGUE.get(conn, tenant, id)


def list_hooks(
    conn: Connection, tenant: Tenancy, ids: Collection[str] | None, search: str | None, page: Page
) -> tuple[list[Hook], int]:
    conditions = [*seen(tenant, hooks), *one_of({hooks.c.id: ids}), *holds(hooks.c.id, search)]
    return read_page(
        conn,
        _CATALOGUE.light.where(*conditions),
        Hook,
        page,
        sortable=_SORTABLE,
        default=(hooks.c.id,),
        unique=(hooks.c.tenant, hooks.c.id),
    )


def change(conn: Connection, tenant: str, id: str, changes: Mapping[str, Any]) -> Hook:
    """Raises NotFound."""
    hook_triggers.forget(conn)
    return _CATALOGUE.change(conn, (tenant, id), changes) if changes else get(conn, tenant, id)


def remove(conn: Connection, tenant: str, id: str) -> Hook:
    """Delete a hook with its deliveries. Raises NotFound."""
    hook_triggers.forget(conn)
    hook = _CATALOGUE.remove(conn, tenant, id)
    conn.execute(delete(deliveries).where(deliveries.c.tenant == tenant, deliveries.c.hook_id == id))
    return hook


def list_deliveries(
    conn: Connection, tenant: str, hook_id: str, states: Collection[str] | None, page: Page
) -> tuple[list[Delivery], int]:
    """Return deliveries of a hook, the newest first unless the page says otherwise."""
    its = deliveries.c.tenant == tenant, deliveries.c.hook_id == hook_id
    return read_page(
        conn,
        select(*_COLUMNS).where(*its, *one_of({deliveries.c.state: states})),
        Delivery,
        page,
        sortable=_SORTABLE_DELIVERIES,
        default=(deliveries.c.created_at.desc(),),
        unique=(deliveries.c.id,),
    )


def due(conn: Connection) -> list[tuple[str, str, datetime]]:
    """Return the hooks that have something to do, each with its tenant and with when that is due."""
    return [(tenant, hook, when) for tenant, hook, when in _DUE.all(conn)]


def take(
    conn: Connection, tenant: str, hook_id: str, *, by: str, most: int, until: datetime, now: datetime
) -> list[Delivery]:
    """Take deliveries that are due, each counted as an attempt; another one may take them after ``until``."""
    rows = _TAKE.all(conn, of_tenant=tenant, hook=hook_id, by=by, most=most, until=until, when=now)
    return sorted((Delivery(*row) for row in rows), key=lambda one: (one.created_at, one.id))


def release(conn: Connection, by: str, now: datetime) -> None:
    """Let deliveries be tried again that an earlier run of this manager took and did not finish."""
    _RELEASE.run(conn, by=by, when=now)


def finish(
    conn: Connection,
    delivery: Delivery,
    state: DeliveryState,
    now: datetime,
    *,
    response_status: int | None = None,
    error: str | None = None,
    started_execution: str | None = None,
) -> bool:
    """End a delivery; False if this attempt is not the last one any more, or it has ended."""
    ended = _FINISH.first(
        conn,
        delivery=delivery.id,
        attempt=delivery.attempts,
        then=state,
        answered=response_status,
        why=error,
        started=started_execution,
        when=now,
    )
    return ended is not None


def postpone(
    conn: Connection, delivery: Delivery, until: datetime, *, response_status: int | None, error: str
) -> None:
    """Have a delivery tried again."""
    _POSTPONE.run(
        conn,
        delivery=delivery.id,
        attempt=delivery.attempts,
        until=until,
        answered=response_status,
        why=error,
    )


def retry(conn: Connection, tenant: str, hook_id: str, id: str, now: datetime) -> Delivery:
    """Have a delivery tried at once, also one that was given up. Raises NotFound, and Conflict if it is
    delivered.
    """
    its = deliveries.c.id == id, deliveries.c.tenant == tenant, deliveries.c.hook_id == hook_id
    row = conn.execute(select(*_COLUMNS).where(*its)).first()
    if row is None:
        raise NotFound(f"There is no delivery `{id}` of hook `{hook_id}`.")
    if row.state == DeliveryState.DELIVERED:
        raise Conflict(f"Delivery `{id}` was delivered already.")
    again = {"state": DeliveryState.PENDING, "next_attempt_at": now, "ended_at": None}
    if row.state == DeliveryState.FAILED:
        again["attempts"] = 0
    conn.execute(update(deliveries).where(*its, is_(deliveries.c.state, row.state)).values(again))
    return Delivery(*conn.execute(select(*_COLUMNS).where(*its)).one())


def delete_ended(conn: Connection, before: datetime, limit: int) -> int:
    """Delete some of the deliveries that ended before then, and return how many."""
    over = is_any(deliveries.c.state, {DeliveryState.DELIVERED, DeliveryState.FAILED})
    some = select(deliveries.c.id).where(over, deliveries.c.ended_at < before).limit(limit)
    return conn.execute(delete(deliveries).where(deliveries.c.id.in_(some))).rowcount
