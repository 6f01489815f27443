"""Ownership of executions: an owner holds a lease under a term that only grows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, case, exists, func, or_, tuple_, update

from cloudwright.model.execution import (
    ACTIVE_STATUSES,
    GRANTING_STATUSES,
    ExecutionStatus,
    sources_of,
)
from cloudwright.storage.columns import is_any
from cloudwright.storage.database_clock import database_time
from cloudwright.storage.executions.rows import current_status, this_execution
from cloudwright.storage.manager_queries import EXECUTION_COLUMNS
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import Execution
from cloudwright.storage.schema import executions, managers

S = ExecutionStatus

_CLAIM = Prepared(
    update(executions)
    .where(this_execution, is_any(current_status, sources_of(S.STARTED)))
    .values(
        status=S.STARTED,
        owner=bindparam("by"),
        lease_until=bindparam("until"),
        term=executions.c.term + 1,
        expires_at=bindparam("expires", type_=executions.c.expires_at.type),
        started_at=func.coalesce(
            executions.c.started_at, bindparam("when", type_=executions.c.started_at.type)
        ),
    )
    .returning(*EXECUTION_COLUMNS)
)
_TAKE_OVER = Prepared(
    update(executions)
    .where(
        this_execution,
        is_any(current_status, ACTIVE_STATUSES),
        executions.c.term == bindparam("old"),
        or_(
            executions.c.owner.is_(None),
            executions.c.owner == bindparam("by"),
            and_(
                or_(
                    executions.c.lease_until.is_(None),
                    executions.c.lease_until <= bindparam("when"),
                ),
                # An owner that shares the database has one lease for all that it owns.
                ~exists().where(managers.c.name == executions.c.owner, managers.c.free_at > database_time()),
            ),
        ),
    )
    .values(
        owner=bindparam("by"),
        lease_until=bindparam("until"),
        term=executions.c.term + 1,
        # An owner that stopped in good order released it.
        crashes=case((executions.c.owner.is_(None), executions.c.crashes), else_=executions.c.crashes + 1),
    )
    .returning(*EXECUTION_COLUMNS)
)
_RELEASE = Prepared(
    update(executions)
    .where(
        this_execution,
        is_any(current_status, ACTIVE_STATUSES),
        executions.c.term == bindparam("current"),
        executions.c.owner == bindparam("by"),
    )
    .values(owner=None, lease_until=None)
)
_FORGIVE = Prepared(
    update(executions).where(this_execution, executions.c.term == bindparam("current")).values(crashes=0)
)
_BEGIN = Prepared(
    update(executions)
    .where(
        this_execution, is_any(current_status, GRANTING_STATUSES), executions.c.term == bindparam("current")
    )
    .values(workflow_entered=True)
    .returning(executions.c.id)
)
_RENEW = (
    update(executions)
    .where(
        executions.c.owner == bindparam("by"),
        is_any(current_status, ACTIVE_STATUSES),
        tuple_(executions.c.id, executions.c.term).in_(bindparam("ids_terms", expanding=True)),
    )
    .values(lease_until=bindparam("until"))
    .returning(executions.c.id)
)


def claim(
    conn: Connection,
    id: str,
    owner: str,
    lease_until: datetime | None,
    now: datetime,
    expires_at: datetime | None = None,
) -> Execution | None:
    """Start a pending execution under the next term; None if it is not pending any more.

    ``expires_at`` is when it is to be cancelled, however far it is.
    """
    row = _CLAIM.first(conn, execution=id, by=owner, until=lease_until, when=now, expires=expires_at)
    return None if row is None else Execution(*row)


def take_over(
    conn: Connection, id: str, *, old_term: int, owner: str, lease_until: datetime | None, now: datetime
) -> Execution | None:
    """Take over an active execution under the next term, and count a crash of its owner if it did not
    release it.

    Returns None if ``old_term`` is not its term any more, or another owner's lease has not run out: the
    execution's own, by ``now``, and that of a manager that shares the database, by the database's clock.
    """
    row = _TAKE_OVER.first(conn, execution=id, old=old_term, by=owner, until=lease_until, when=now)
    return None if row is None else Execution(*row)


def begin(conn: Connection, id: str, term: int) -> bool:
    """Record that the function of a workflow that cannot be resumed is about to be called.

    Returns False if it must not be called: ``term`` is not current, or the execution is over or being forced.
    """
    return _BEGIN.first(conn, execution=id, current=term) is not None


def release(conn: Connection, owner: str, ids_terms: Sequence[tuple[str, int]]) -> None:
    """Release executions that are to continue under their next owner: this one shuts down in order."""
    for id, term in ids_terms:
        _RELEASE.run(conn, execution=id, current=term, by=owner)


def forgive_crashes(conn: Connection, id: str, term: int) -> None:
    """Count no crash of its manager against an execution that has run for a while since."""
    _FORGIVE.run(conn, execution=id, current=term)


def renew(
    conn: Connection, owner: str, ids_terms: Sequence[tuple[str, int]], lease_until: datetime
) -> set[str]:
    """Extend the owner's leases; returns the IDs of the executions that it still owns."""
    if not ids_terms:
        return set()
    return set(conn.scalars(_RENEW, {"by": owner, "ids_terms": sorted(ids_terms), "until": lease_until}))
