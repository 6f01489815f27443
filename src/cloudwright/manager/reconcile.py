"""What has to be done so that what runs is what the database says: a pure function.

``recover`` takes the snapshot and applies the actions. Messages only make things quick; this makes them
certain. What is hosted is looked at before the rows are read and again after: an execution that began in
between is neither an orphan (it is hosted after) nor a stray (it was not hosted before); one that ended in
between only gives an action which the database refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cloudwright.manager.deadlines import Deadline
from cloudwright.model.execution import ACTIVE_STATUSES, CancelMode, ExecutionStatus

#: What the owner of an execution in this status must have applied.
MODE_OF_STATUS: Mapping[ExecutionStatus, CancelMode] = {
    ExecutionStatus.CANCELLING: CancelMode.CANCEL,
    ExecutionStatus.FORCE_CANCELLING: CancelMode.FORCE,
    ExecutionStatus.KILL_CANCELLING: CancelMode.KILL,
}
STRENGTH: Mapping[CancelMode | None, int] = {
    None: 0,
    CancelMode.CANCEL: 1,
    CancelMode.FORCE: 2,
    CancelMode.KILL: 3,
}


@dataclass(frozen=True, slots=True)
class Row:
    """What the database says of one active execution."""

    id: str
    status: ExecutionStatus
    term: int
    owner: str | None
    lease_until: datetime | None
    #: Whether its owner shares the database and has a lease: then another manager may not take it over.
    owner_lives: bool = False


@dataclass(frozen=True, slots=True)
class Hosted:
    """What this manager runs: with which term, and which cancellation was applied to it."""

    id: str
    term: int
    cancel_mode: CancelMode | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    manager: str
    rows: tuple[Row, ...]
    #: What is hosted, looked at after the rows were read.
    hosted: Mapping[str, Hosted]
    #: Those of them that were hosted before the rows were read as well.
    settled: frozenset[str]
    #: Whether something waits to be started.
    waiting: bool
    #: Stored kills of operations that run here (an execution, the term up to which what it sent is to die),
    #: and those of them that are being carried out.
    kills: frozenset[tuple[str, int]]
    killing: frozenset[tuple[str, int]]
    #: Deadlines that have passed, of standard cancellations and of what may run for so long only.
    passed: frozenset[Deadline]


@dataclass(frozen=True, slots=True)
class TakeOver:
    """No live manager owns this execution: own it with the next term, and continue or end it."""

    id: str
    term: int


@dataclass(frozen=True, slots=True)
class ApplyCancel:
    """A request is stored that the execution's host has not received: its message was lost."""

    id: str
    term: int
    mode: CancelMode


@dataclass(frozen=True, slots=True)
class Abandon:
    """This manager runs a process for an execution that is over or has another owner: end the process."""

    id: str


@dataclass(frozen=True, slots=True)
class Escalate:
    """An execution whose cancellation passed its deadline, so that it is forced; or one that reached its age
    limit, so that it is cancelled.
    """

    deadline: Deadline


@dataclass(frozen=True, slots=True)
class KillResiduals:
    """Operations that an execution sent under ``term`` or before are to die, and still run here: the message
    of that kill was lost.
    """

    id: str
    term: int


@dataclass(frozen=True, slots=True)
class StartWaiting:
    """Pending executions may be startable."""


Action = TakeOver | ApplyCancel | Abandon | Escalate | KillResiduals | StartWaiting


def reconcile(snapshot: Snapshot, now: datetime) -> list[Action]:
    """Return the actions that bring what runs in line with what is stored, in the order in which to apply
    them.
    """
    actions: list[Action] = []
    rows = {row.id: row for row in snapshot.rows if row.status in ACTIVE_STATUSES}
    actions.extend(Abandon(id) for id in _strays(snapshot, rows))
    actions.extend(KillResiduals(id, term) for id, term in sorted(snapshot.kills - snapshot.killing))
    actions.extend(Escalate(deadline) for deadline in sorted(snapshot.passed))
    for row in rows.values():
        hosted = snapshot.hosted.get(row.id)
        mine = hosted is not None and hosted.term == row.term and row.owner == snapshot.manager
        if mine:
            wanted = MODE_OF_STATUS.get(row.status)
            if wanted is not None and hosted is not None and STRENGTH[hosted.cancel_mode] < STRENGTH[wanted]:
                actions.append(ApplyCancel(row.id, row.term, wanted))
        elif _orphaned(snapshot.manager, row, now):
            actions.append(TakeOver(row.id, row.term))
    if snapshot.waiting:
        actions.append(StartWaiting())
    return actions


def _orphaned(manager: str, row: Row, now: datetime) -> bool:
    # An execution that is stored as this manager's and does not run here was left by an earlier run of it:
    # there is no lease to wait for.
    if row.owner is None or row.owner == manager:
        return True
    return not row.owner_lives and (row.lease_until is None or row.lease_until <= now)


def _strays(snapshot: Snapshot, rows: Mapping[str, Row]) -> list[str]:
    strays = []
    for id in sorted(snapshot.settled & snapshot.hosted.keys()):
        row = rows.get(id)
        if row is None or row.term > snapshot.hosted[id].term or row.owner != snapshot.manager:
            strays.append(id)
    return strays
