"""The managers that share a database: each has one lease, which ends by the database's clock.

What must always hold: whoever may run something again waits until ``free_at``, which is a margin after the
lease's end; a lease that is over is not renewed; and a manager that is started again on the same machine with
the same home, where no process of its former life can be, need not wait for its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from cloudwright.model.operation import OperationState
from cloudwright.storage.columns import is_
from cloudwright.storage.database_clock import database_time
from cloudwright.storage.paging import columns_of
from cloudwright.storage.schema import managers, operations


@dataclass(frozen=True, slots=True)
class ManagerFacts:
    """Who registers. ``life`` is new at each start; ``place`` is a home on a machine since its boot, in which
    only one manager can live at a time.
    """

    name: str
    life: str
    place: str
    host: str
    url: str
    version: str
    bus: str


@dataclass(frozen=True, slots=True)
class ManagerRow:
    name: str
    life: str
    place: str
    host: str
    url: str
    version: str
    bus: str
    started_at: datetime
    renewed_at: datetime
    lease_until: datetime
    free_at: datetime


_TIMES = {
    "renewed_at": database_time(),
    "lease_until": database_time("lease"),
    "free_at": database_time("free"),
}
_NOW = select(database_time())
_HOLD = (
    select(managers.c.place == bindparam("at_place"), managers.c.free_at <= database_time())
    .where(managers.c.name == bindparam("manager"))
    .with_for_update()
)
_ADD = insert(managers).values(started_at=database_time(), **_TIMES)
_REPLACE = (
    update(managers)
    .where(managers.c.name == bindparam("manager"))
    .values(started_at=database_time(), **_TIMES)
)
_RENEW = (
    update(managers)
    .where(
        managers.c.name == bindparam("manager"),
        managers.c.life == bindparam("of_life"),
        managers.c.lease_until > database_time(),
    )
    .values(**_TIMES)
    .returning(managers.c.name)
)
_FREE = (
    update(managers)
    .where(managers.c.name == bindparam("manager"), managers.c.life == bindparam("of_life"))
    .values(lease_until=database_time(), free_at=database_time())
)
_ALIVE = select(managers.c.name).where(managers.c.free_at > database_time())
_ALL = select(*columns_of(ManagerRow, managers)).order_by(managers.c.name)
_ORPHANS = (
    select(operations.c.id)
    .join(managers, managers.c.name == operations.c.worker)
    .where(is_(operations.c.state, OperationState.STARTED), managers.c.free_at <= database_time())
    .order_by(operations.c.id)
)


def register(conn: Connection, facts: ManagerFacts, *, lease: float, margin: float) -> bool:
    """Begin a manager's life with a lease of so many seconds; ``margin`` is how much later another may run
    again what it ran.

    Returns False while a former life of another place may run something: try again later.
    """
    times = {"lease": lease, "free": lease + margin}
    values = {name: getattr(facts, name) for name in ManagerFacts.__slots__}
    held = conn.execute(_HOLD, {"manager": facts.name, "at_place": facts.place}).first()
    if held is None:
        conn.execute(_ADD, {**values, **times})
        return True
    if not any(held):
        return False
    conn.execute(_REPLACE.values(**values), {"manager": facts.name, **times})
    return True


def renew(conn: Connection, name: str, life: str, *, lease: float, margin: float) -> bool:
    """Extend the lease of a manager's life. Returns False if it is over, or another life's."""
    given = {"manager": name, "of_life": life, "lease": lease, "free": lease + margin}
    return conn.execute(_RENEW, given).first() is not None


def free(conn: Connection, name: str, life: str) -> None:
    """End the lease of a manager that has ended everything, so that nobody waits for it."""
    conn.execute(_FREE, {"manager": name, "of_life": life})


def forget(conn: Connection, before: datetime) -> None:
    """Remove managers that have not renewed since, and that run nothing."""
    busy = select(operations.c.worker).where(
        is_(operations.c.state, OperationState.STARTED), operations.c.worker.is_not(None)
    )
    conn.execute(
        delete(managers).where(
            managers.c.renewed_at < before,
            managers.c.free_at <= database_time(),
            managers.c.name.not_in(busy),
        )
    )


def alive(conn: Connection) -> frozenset[str]:
    """Return the names of the managers that may run something."""
    return frozenset(conn.scalars(_ALIVE))


def everyone(conn: Connection) -> tuple[list[ManagerRow], datetime]:
    """Return all managers, and the database's time."""
    now: datetime = conn.execute(_NOW).scalar_one()
    return [ManagerRow(*row) for row in conn.execute(_ALL)], now


def left_running(conn: Connection) -> list[str]:
    """Return the operations that are stored as running at managers that cannot run anything any more."""
    return list(conn.scalars(_ORPHANS))
