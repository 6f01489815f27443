"""Statuses of an execution, what may follow what, and the rules of cancellation.

``TRANSITIONS`` is the only table of its kind: the guarded verbs of ``storage.executions`` build their
``WHERE`` from it, and the state diagram of ``docs/concepts/statuses.md`` is drawn from it by a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class ExecutionStatus(StrEnum):
    # Will be put in the queue at a given time.
    SCHEDULED = "scheduled"
    # Waits for another execution of its deployment to end, or for a place in its group.
    QUEUED = "queued"
    # Waits for a free place, or for its workflow's plugin to be installed.
    PENDING = "pending"
    # Its workflow is running.
    STARTED = "started"
    # A standard cancellation was requested; what happens is up to the workflow.
    CANCELLING = "cancelling"
    # A forced cancellation was requested; the engine is ending the workflow's process.
    FORCE_CANCELLING = "force_cancelling"
    # A kill was requested; the engine is also ending the operations' processes.
    KILL_CANCELLING = "kill_cancelling"
    # Cancelled, and over: no new task will start.
    CANCELLED = "cancelled"
    # Ended well.
    TERMINATED = "terminated"
    # Ended badly; the execution's ``error`` says why.
    FAILED = "failed"


S = ExecutionStatus

#: Over: nothing starts any more, unless a user resumes it.
END_STATUSES = frozenset({S.CANCELLED, S.TERMINATED, S.FAILED})
#: Not yet begun: no process of it exists, so a cancellation of any kind ends it at once, unless it was
#: resumed and executions that it started before are not over.
WAITING_STATUSES = frozenset({S.SCHEDULED, S.QUEUED, S.PENDING})
#: Owned: a workflow process acts for it, or an owner is bringing it to its end.
ACTIVE_STATUSES = frozenset({S.STARTED, S.CANCELLING, S.FORCE_CANCELLING, S.KILL_CANCELLING})
#: The engine, not the workflow, decides how these end.
FORCED_STATUSES = frozenset({S.FORCE_CANCELLING, S.KILL_CANCELLING})
#: An operation may become ``started`` only while its execution is in one of these (C1, C2).
GRANTING_STATUSES = frozenset({S.STARTED, S.CANCELLING})
#: What a user may resume.
RESUMABLE_STATUSES = frozenset({S.CANCELLED, S.FAILED})

TRANSITIONS: Mapping[ExecutionStatus, frozenset[ExecutionStatus]] = MappingProxyType(
    {
        S.SCHEDULED: frozenset({S.QUEUED, S.PENDING, S.CANCELLED}),
        # One that waits to be resumed may have children that run still: then it waits for them.
        S.QUEUED: frozenset({S.PENDING, S.CANCELLING, S.FORCE_CANCELLING, S.KILL_CANCELLING, S.CANCELLED}),
        S.PENDING: frozenset(
            {S.STARTED, S.CANCELLING, S.FORCE_CANCELLING, S.KILL_CANCELLING, S.CANCELLED, S.FAILED}
        ),
        S.STARTED: frozenset(
            {S.CANCELLING, S.FORCE_CANCELLING, S.KILL_CANCELLING, S.CANCELLED, S.TERMINATED, S.FAILED}
        ),
        # The workflow may stop, finish regardless, or fail while it cleans up: all three are honest ends.
        S.CANCELLING: frozenset({S.FORCE_CANCELLING, S.KILL_CANCELLING, S.CANCELLED, S.TERMINATED, S.FAILED}),
        S.FORCE_CANCELLING: frozenset({S.KILL_CANCELLING, S.CANCELLED}),
        S.KILL_CANCELLING: frozenset({S.CANCELLED}),
        # Only a resume leads out of an end, and only back into the queue.
        S.CANCELLED: frozenset({S.QUEUED, S.PENDING}),
        S.FAILED: frozenset({S.QUEUED, S.PENDING}),
        S.TERMINATED: frozenset(),
    }
)


def sources_of(target: ExecutionStatus) -> frozenset[ExecutionStatus]:
    """Return the statuses from which ``target`` may be entered."""
    return frozenset(source for source, targets in TRANSITIONS.items() if target in targets)


#: As many times a manager may die while it runs an execution; then that is not run again by itself.
MAX_CRASHES = 3
BROUGHT_DOWN = (
    f"The manager died {MAX_CRASHES} times while it ran execution `{{id}}`, so it is not run again by itself."
)


def brought_down(crashes: int) -> bool:
    """Return whether an execution's manager died so often while it ran that it must not be run again by
    itself.
    """
    return crashes >= MAX_CRASHES


class CancelMode(StrEnum):
    """How strongly a cancellation asks; the values are the REST API's action names."""

    CANCEL = "cancel"
    FORCE = "force-cancel"
    KILL = "kill"


#: The engine, not the workflow, decides what follows from these.
FORCED_MODES = frozenset({CancelMode.FORCE, CancelMode.KILL})

REQUESTED_STATUS: Mapping[CancelMode, ExecutionStatus] = MappingProxyType(
    {
        CancelMode.CANCEL: S.CANCELLING,
        CancelMode.FORCE: S.FORCE_CANCELLING,
        CancelMode.KILL: S.KILL_CANCELLING,
    }
)


@dataclass(frozen=True, slots=True)
class CancelDecision:
    """What a cancel request does to an execution in a given status.

    ``status`` is the status to store, or None if none changes. ``refusal`` says to the user why nothing is
    done. ``kill_residuals`` asks for the end of operations that an ended execution left running.
    """

    status: ExecutionStatus | None = None
    refusal: str | None = None
    kill_residuals: bool = False


def decide_cancel(status: ExecutionStatus, mode: CancelMode, *, has_children: bool = False) -> CancelDecision:
    """Return what a request does. It can be raised (cancel, force, kill), never lowered, never repeated.

    ``has_children`` is whether executions that it started, and waits for, are not over.
    """
    if status in END_STATUSES:
        if mode is CancelMode.KILL:
            return CancelDecision(kill_residuals=True)
        return CancelDecision(refusal=f"it is over already: its status is `{status}`")
    if status in WAITING_STATUSES and has_children:
        return CancelDecision(status=REQUESTED_STATUS[mode])
    if status in WAITING_STATUSES:
        # One that waits to be resumed may have left operations running.
        return CancelDecision(status=S.CANCELLED, kill_residuals=mode is CancelMode.KILL)
    requested = REQUESTED_STATUS[mode]
    if requested is status:
        return CancelDecision(refusal=f"that was asked already: its status is `{status}`")
    if requested not in TRANSITIONS[status]:
        return CancelDecision(refusal=f"a request can be raised but not lowered: its status is `{status}`")
    return CancelDecision(status=requested)


@dataclass(frozen=True, slots=True)
class Caller:
    """A process of an execution that makes a request to the REST API.

    ``aware`` is whether it acts in knowledge of a request to cancel: it is a workflow that knows, or an
    operation that was sent after the request was known. ``operation_id`` is of the operation, if it is one.
    """

    execution_id: str
    aware: bool
    operation_id: str | None = None


def may_create(status: ExecutionStatus, mode: CancelMode | None, *, aware: bool) -> bool:
    """Return whether a process of the execution may create and start things through the API.

    ``mode`` is the strongest request to cancel it, if there was one. A clean-up may, until the request is
    raised or the execution is over; nothing else may that would creep out of the cancellation.
    """
    return mode is None or (status is S.CANCELLING and aware)


#: How many executions may wait one for the other: deeper, something includes itself.
MAX_DEPTH = 20


class Outcome(StrEnum):
    """How a workflow's process ended, as its supervisor saw it."""

    TERMINATED = "terminated"  # the workflow function returned
    CANCELLED = "cancelled"  # it raised ExecutionCancelled, or returned the cancelled result
    FAILED = "failed"  # it raised anything else
    DIED = "died"  # the process ended without saying how


def final_status(status: ExecutionStatus, outcome: Outcome) -> ExecutionStatus:
    """Return the end status of an active execution whose process ended with ``outcome``.

    A forced request wins over whatever the workflow managed to say before it died. A process that died while
    it was asked to stop counts as stopped: it was asked to, and it is dead.
    """
    if status in FORCED_STATUSES:
        return S.CANCELLED
    if outcome is Outcome.DIED:
        return S.CANCELLED if status is S.CANCELLING else S.FAILED
    return ExecutionStatus(outcome.value)
