"""The rows of one execution, and what a manager has in memory of it, for test_protocol.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cloudwright.manager.reconcile import STRENGTH
from cloudwright.model.execution import (
    ACTIVE_STATUSES,
    END_STATUSES,
    GRANTING_STATUSES,
    RESUMABLE_STATUSES,
    TRANSITIONS,
    CancelDecision,
    CancelMode,
    ExecutionStatus,
    Outcome,
    decide_cancel,
    final_status,
)
from cloudwright.model.operation import OPERATION_TRANSITIONS, OperationState

S, O = ExecutionStatus, OperationState  # noqa: E741
LEASE = timedelta(seconds=15)
OPERATIONS = ("a", "b")


@dataclass
class Task:
    """A row of the operations; attempt 0 was never sent."""

    state: OperationState = O.PENDING
    attempt: int = 0
    term: int = 0
    worker: str | None = None

    def become(self, state: OperationState) -> None:
        assert state in OPERATION_TRANSITIONS[self.state], f"{self.state} -> {state}"
        self.state = state


@dataclass
class Rows:
    """The store: each method is one transaction of ``storage.executions`` or ``storage.operations``."""

    status: ExecutionStatus = S.PENDING
    term: int = 0
    owner: str | None = None
    lease_until: datetime | None = None
    deadline: datetime | None = None
    kill_term: int = 0
    workflow_entered: bool = False
    tasks: dict[str, Task] = field(default_factory=lambda: {name: Task() for name in OPERATIONS})

    def become(self, status: ExecutionStatus) -> None:
        assert status in TRANSITIONS[self.status], f"{self.status} -> {status}"
        self.status = status

    def claim(self, owner: str, now: datetime) -> bool:
        if self.status is not S.PENDING:
            return False
        self.become(S.STARTED)
        self._own(owner, now)
        return True

    def take_over(self, owner: str, old_term: int, now: datetime) -> bool:
        lapsed = self.lease_until is None or self.lease_until <= now
        if self.status not in ACTIVE_STATUSES or self.term != old_term or not (self.owner == owner or lapsed):
            return False
        self._own(owner, now)
        return True

    def _own(self, owner: str, now: datetime) -> None:
        self.owner, self.lease_until, self.term = owner, now + LEASE, self.term + 1

    def begin(self, term: int) -> bool:
        if self.status not in GRANTING_STATUSES or self.term != term:
            return False
        self.workflow_entered = True
        return True

    def renew(self, owner: str, term: int, now: datetime) -> bool:
        if self.status not in ACTIVE_STATUSES or (self.owner, self.term) != (owner, term):
            return False
        self.lease_until = now + LEASE
        return True

    def request_cancel(self, mode: CancelMode, deadline: datetime | None = None) -> CancelDecision:
        decision = decide_cancel(self.status, mode)
        if decision.kill_residuals:
            self.kill_term = self.term
        if decision.status in END_STATUSES:
            self._end(decision.status)
        elif decision.status is not None:
            self.become(decision.status)
            self.deadline = deadline if decision.status is S.CANCELLING else None
            self._revoke(O.SENT)
        return decision

    def escalate(self, now: datetime) -> None:
        if self.status is S.CANCELLING and self.deadline is not None and self.deadline <= now:
            self.request_cancel(CancelMode.FORCE)

    def finish(self, term: int, outcome: Outcome, *, killed: bool) -> str:
        if self.status not in ACTIVE_STATUSES or self.term != term:
            return "stale"
        if self.status is S.KILL_CANCELLING and not killed:
            return "kill first"
        self._end(final_status(self.status, outcome))
        return "ended"

    def _end(self, final: ExecutionStatus) -> None:
        self.become(final)
        self.owner = self.lease_until = self.deadline = None
        self._revoke(O.PENDING, O.SENT)

    def _revoke(self, *states: OperationState) -> None:
        for task in self.tasks.values():
            if task.state in states:
                task.become(O.CANCELLED)

    def kills(self, worker: str) -> frozenset[tuple[str, int]]:
        meant = [
            task
            for task in self.tasks.values()
            if task.state is O.STARTED and task.worker == worker and task.term <= self.kill_term
        ]
        return frozenset({("e", self.kill_term)}) if meant else frozenset()

    def resume(self) -> bool:
        if self.status not in RESUMABLE_STATUSES:
            return False
        self.become(S.PENDING)
        return True

    def send(self, term: int, name: str, *, aware: bool) -> bool:
        task = self.tasks[name]
        stale = task.state is O.SENT and task.term < self.term
        if (
            self.term != term
            or self.status not in GRANTING_STATUSES
            or (self.status is S.CANCELLING and not aware)
            or not (stale or task.state in {O.PENDING, O.FAILED, O.CANCELLED})
        ):
            return False
        if task.attempt == 0 or task.state is O.FAILED:
            # What was revoked, or sent and never granted, has made no attempt yet.
            task.attempt += 1
        if not stale:
            task.become(O.SENT)
        task.term = term
        return True

    def grant(self, term: int, name: str, attempt: int, worker: str) -> bool:
        task = self.tasks[name]
        if (
            (task.state, task.attempt) != (O.SENT, attempt)
            or self.status not in GRANTING_STATUSES
            or self.term != term
        ):
            return False
        task.become(O.STARTED)
        task.worker = worker
        return True

    def end(self, name: str, attempt: int, state: OperationState) -> bool:
        task = self.tasks[name]
        if (task.state, task.attempt) != (O.STARTED, attempt):
            return False
        task.become(state)
        return True


@dataclass
class Job:
    """An operation that a manager's dispatcher holds: waiting, asking for its grant, or forked. One that is
    doomed is being killed.
    """

    term: int
    attempt: int
    aware: bool
    step: str = "waiting"
    doomed: bool = False


@dataclass
class Hosting:
    """``process`` is None before the fork and after it was seen dead. ``may_call``: its function was not
    called as far as was known when it was owned, and by this process it was not either.
    """

    term: int
    cancel_mode: CancelMode | None
    may_call: bool = False
    process: str | None = None
    outcome: Outcome | None = None
    killed: bool = False
    abandoned: bool = False

    @property
    def forced(self) -> bool:
        return self.abandoned or self.cancel_mode in {CancelMode.FORCE, CancelMode.KILL}


@dataclass
class Manager:
    """What one manager has in memory, and, in ``orphans``, what lives on of what it ran when it crashed."""

    name: str
    up: bool = True
    hosting: Hosting | None = None
    jobs: dict[str, Job] = field(default_factory=dict)
    orphans: set[str] = field(default_factory=set)
    killing: set[tuple[str, int]] = field(default_factory=set)

    @property
    def idle(self) -> bool:
        return self.up and self.hosting is None

    @property
    def running(self) -> bool:
        return self.hosting is not None and self.hosting.process is not None

    def acts(self, term: int) -> bool:
        """Has a workflow's process whose word counts under this term."""
        return self.hosting is not None and self.running and self.hosting.term == term

    @property
    def about_to_fork(self) -> bool:
        hosting = self.hosting
        return hosting is not None and not (hosting.process or hosting.outcome or hosting.forced)

    @property
    def about_to_end(self) -> bool:
        return self.hosting is not None and not self.running and not self.about_to_fork

    def see_dead(self, outcome: Outcome) -> None:
        assert self.hosting is not None
        self.hosting.outcome = outcome if self.hosting.process == "alive" else Outcome.DIED
        self.hosting.process = None

    def hear(self, mode: CancelMode | None, term: int) -> None:
        hosting = self.hosting
        if (
            mode is None
            or hosting is None
            or hosting.term != term
            or STRENGTH[mode] <= STRENGTH[hosting.cancel_mode]
        ):
            return
        hosting.cancel_mode = mode
        if hosting.forced and hosting.process == "alive":
            hosting.process = "doomed"
        if mode is not CancelMode.FORCE:
            self.drop_waiting()

    def drop_waiting(self, term: int | None = None) -> None:
        self.jobs = {
            name: job
            for name, job in self.jobs.items()
            if job.step != "waiting" or (term is not None and job.term > term)
        }

    def kill_residuals(self, term: int) -> None:
        self.killing.add(("e", term))
        self.drop_waiting(term)
        for job in self.jobs.values():
            job.doomed = job.doomed or job.term <= term

    def abandon(self, rows: Rows) -> None:
        if self.hosting is not None and (rows.owner, rows.term) != (self.name, self.hosting.term):
            self.hosting.abandoned = True
            if self.hosting.process == "alive":
                self.hosting.process = "doomed"

    def crash(self) -> None:
        self.orphans |= {name for name, job in self.jobs.items() if job.step == "forked"}
        if self.hosting is not None and self.hosting.process in {"alive", "doomed"}:
            self.orphans.add("workflow")
        self.up, self.hosting, self.jobs, self.killing = False, None, {}, set()
