"""The protocol of cancellation: the real rules of ``model`` and ``manager.reconcile``, over rows in memory.

Two managers, one execution, two operations. Hypothesis lets users ask, workflows run and end, messages get
lost and come twice, leases run out, managers crash, and old owners go on; what is promised has to hold after
each step, and a forced execution has to end from wherever it is. docs/contributing/model/cancellation.pml is
the same protocol for a search of every state; here the rules are the project's own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from protocol_rows import LEASE, OPERATIONS, Hosting, Job, Manager, Rows

from cloudwright.manager.deadlines import Deadline
from cloudwright.manager.reconcile import (
    MODE_OF_STATUS,
    Abandon,
    ApplyCancel,
    Escalate,
    Hosted,
    KillResiduals,
    Row,
    Snapshot,
    StartWaiting,
    TakeOver,
    reconcile,
)
from cloudwright.model.execution import (
    ACTIVE_STATUSES,
    END_STATUSES,
    FORCED_STATUSES,
    RESUMABLE_STATUSES,
    WAITING_STATUSES,
    CancelMode,
    ExecutionStatus,
    Outcome,
)
from cloudwright.model.operation import OperationState

S, O = ExecutionStatus, OperationState  # noqa: E741
T = TypeVar("T")
MANAGERS = ("one", "two")


def pick(data: st.DataObject, among: list[T]) -> T:
    return among[data.draw(st.integers(0, len(among) - 1))]


class Protocol(RuleBasedStateMachine):
    """Between what users, time and faults do, ``work`` lets every part that can take a step take one."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.rows = Rows()
        self.managers = {name: Manager(name) for name in MANAGERS}
        # Every message, end of an operation and decision to take over that there ever was: each may come
        # late, again, or never.
        self.messages: list[tuple[str, CancelMode, int]] = []
        self.kills: list[int] = []
        #: How often the function of its workflow, were it not resumable, was called.
        self.calls = 0
        self.ends: list[tuple[str, int, OperationState]] = []
        self.decisions: list[tuple[Manager, int]] = []

    # Users.

    @precondition(lambda self: self.rows.term)
    @rule(mode=st.sampled_from(CancelMode), grace=st.none() | st.integers(0, 20))
    def ask(self, mode: CancelMode, grace: int | None) -> None:
        before, owner = self.rows.status, self.rows.owner
        deadline = None if grace is None else self.now + timedelta(seconds=grace)
        decision = self.rows.request_cancel(mode, deadline)
        if decision.refusal is not None or before in END_STATUSES:
            assert self.rows.status is before
        if before in WAITING_STATUSES:
            assert self.rows.status is S.CANCELLED
        if owner is not None and decision.refusal is None:
            self.messages.append((owner, mode, self.rows.term))
        if decision.kill_residuals:
            self.kills.append(self.rows.term)

    @precondition(lambda self: self.rows.status in RESUMABLE_STATUSES)
    @rule()
    def resume(self) -> None:
        assert self.rows.resume()

    @precondition(lambda self: self.rows.status in END_STATUSES and self.running())
    @rule(told=st.booleans())
    def kill_what_is_left(self, told: bool) -> None:
        self.ask(CancelMode.KILL, None)
        if told:
            return
        # The message is lost: the reconciler finds it.
        self.kills.pop()
        for manager in self.managers.values():
            self.reconcile(manager)
        assert all(manager.jobs[id].doomed for manager, id in self.running())

    # Messages, time and faults.

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def a_message_comes(self, data: st.DataObject) -> None:
        to, mode, term = pick(data, self.messages)
        self.managers[to].hear(mode, term)

    @precondition(lambda self: self.kills)
    @rule(data=st.data(), name=st.sampled_from(MANAGERS))
    def a_kill_of_residuals_comes(self, data: st.DataObject, name: str) -> None:
        self.kill_residuals(self.managers[name], pick(data, self.kills))

    def kill_residuals(self, manager: Manager, term: int) -> None:
        if manager.up:
            manager.kill_residuals(term)
            # Only what a user was told will die.
            assert all(job.term <= self.rows.kill_term for job in manager.jobs.values() if job.doomed)

    @precondition(lambda self: self.ends)
    @rule(data=st.data())
    def an_end_comes_again(self, data: st.DataObject) -> None:
        id, attempt, state = pick(data, self.ends)
        assert not self.rows.end(id, attempt, state)

    @precondition(lambda self: self.decisions)
    @rule(data=st.data())
    def a_take_over_comes_late(self, data: st.DataObject) -> None:
        manager, term = pick(data, self.decisions)
        before, owner, lease = self.rows.term, self.rows.owner, self.rows.lease_until
        self.take_over(manager, term)
        if self.rows.term != before:
            # C4: the one that was read, of this manager or of one that was silent for as long as it may be.
            assert term == before
            assert owner == manager.name or (lease is not None and lease <= self.now)

    @rule(seconds=st.sampled_from([1, 20]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(name=st.sampled_from(MANAGERS))
    def crash(self, name: str) -> None:
        if self.managers[name].up:
            self.managers[name].crash()
        else:
            self.bury(self.managers[name])

    def bury(self, manager: Manager) -> None:
        # Found by its name where the execution is still this manager's; else it went with its zygote.
        manager.orphans.discard("workflow")
        for id, task in self.rows.tasks.items():
            if task.state is O.STARTED and task.worker == manager.name:
                manager.orphans.discard(id)
                task.become(O.FAILED)
        manager.up = True

    # Work.

    @rule(random=st.randoms(use_true_random=False), count=st.integers(1, 12))
    def work(self, random: Random, count: int) -> None:
        for _ in range(count):
            if steps := self.steps():
                random.choice(steps)()

    @precondition(lambda self: any(manager.running for manager in self.managers.values()))
    @rule(data=st.data(), outcome=st.sampled_from(Outcome))
    def a_workflow_ends(self, data: st.DataObject, outcome: Outcome) -> None:
        pick(data, [manager for manager in self.managers.values() if manager.running]).see_dead(outcome)

    @precondition(lambda self: self.running())
    @rule(data=st.data(), state=st.sampled_from([O.SUCCEEDED, O.FAILED]))
    def an_operation_ends(self, data: st.DataObject, state: OperationState) -> None:
        # A step of nobody's: else few would outlive their execution.
        manager, id = pick(data, self.running())
        self.end(manager, id, state)

    def running(self) -> list[tuple[Manager, str]]:
        return [
            (manager, id)
            for manager in self.managers.values()
            for id, job in manager.jobs.items()
            if job.step == "forked"
        ]

    def steps(self) -> list[Callable[[], None]]:
        found: list[Callable[[], None]] = []
        for manager in self.managers.values():
            if manager.idle and self.rows.status is S.PENDING:
                found.append(partial(self.claim, manager))
            if manager.about_to_fork:
                found.append(partial(self.fork, manager))
            if manager.about_to_end:
                found.append(partial(self.finish, manager))
            if manager.hosting is not None and manager.hosting.process == "doomed":
                found.append(partial(manager.see_dead, Outcome.DIED))
            if manager.running and manager.hosting is not None and manager.hosting.may_call:
                found.append(partial(self.call, manager.hosting))
            if manager.running:
                found += [partial(self.send, manager, id) for id in OPERATIONS if id not in manager.jobs]
            for id, job in manager.jobs.items():
                if job.step == "waiting":
                    found.append(partial(setattr, job, "step", "asking"))
                elif job.step == "asking":
                    found.append(partial(self.grant, manager, id))
                elif job.doomed:
                    found.append(partial(self.end, manager, id, O.FAILED))
        return found

    def claim(self, manager: Manager) -> None:
        if manager.idle and self.rows.claim(manager.name, self.now):
            self.begin(manager)

    def take_over(self, manager: Manager, term: int) -> None:
        if manager.idle and self.rows.take_over(manager.name, term, self.now):
            # C4: what an earlier life of this manager ran is dead.
            assert "workflow" not in manager.orphans
            self.begin(manager)

    def begin(self, manager: Manager) -> None:
        mode = MODE_OF_STATUS.get(self.rows.status)
        manager.hosting = Hosting(self.rows.term, mode, may_call=not self.rows.workflow_entered)

    def fork(self, manager: Manager) -> None:
        for id, task in self.rows.tasks.items():
            if task.state is O.STARTED and task.worker == manager.name and id not in manager.jobs:
                task.become(O.FAILED)
        assert manager.hosting is not None
        manager.hosting.process = "alive"

    def call(self, hosting: Hosting) -> None:
        """The workflow's process asks whether it may call a function that may not be called again."""
        hosting.may_call = False
        if self.rows.begin(hosting.term):
            self.calls += 1
            assert self.rows.status in {S.STARTED, S.CANCELLING}

    def send(self, manager: Manager, id: str) -> None:
        """The workflow asks for an operation."""
        rows, hosting = self.rows, manager.hosting
        assert hosting is not None
        aware = hosting.cancel_mode is not None
        if rows.send(hosting.term, id, aware=aware):
            # C5
            assert (rows.owner, rows.term) == (manager.name, hosting.term)
            manager.jobs[id] = Job(hosting.term, rows.tasks[id].attempt, aware)
        elif rows.term != hosting.term or rows.status not in ACTIVE_STATUSES:
            hosting.process = "doomed"

    def grant(self, manager: Manager, id: str) -> None:
        job, rows = manager.jobs[id], self.rows
        if rows.grant(job.term, id, job.attempt, manager.name):
            # C1, C2, C5
            assert rows.status not in END_STATUSES
            assert rows.status not in FORCED_STATUSES
            assert (rows.owner, rows.term) == (manager.name, job.term)
            # What was asked for before the workflow knew of a request does not start.
            assert rows.status is S.STARTED or job.aware
            job.step = "forked"
        else:
            del manager.jobs[id]

    def end(self, manager: Manager, id: str, state: OperationState) -> None:
        job = manager.jobs.pop(id)
        # C6: whatever became of the execution.
        assert self.rows.end(id, job.attempt, state)
        self.ends.append((id, job.attempt, state))

    def finish(self, manager: Manager) -> None:
        rows, hosting = self.rows, manager.hosting
        assert hosting is not None
        if hosting.cancel_mode is CancelMode.KILL and not hosting.abandoned:
            manager.drop_waiting()
            self.kill_operations(manager)
            hosting.killed = True
        before, found = rows.status, "stale"
        if not hosting.abandoned:
            found = rows.finish(hosting.term, hosting.outcome or Outcome.DIED, killed=hosting.killed)
        if found == "kill first":
            manager.hear(CancelMode.KILL, hosting.term)
            return
        if found == "ended":
            # C5, and C4: nobody has a process whose word could still be stored.
            assert hosting.term == rows.term
            assert not any(other.acts(rows.term) for other in self.managers.values())
            assert "workflow" not in manager.orphans
            if before is S.KILL_CANCELLING:
                # C7, of this manager's worker.
                assert not manager.jobs
                assert not manager.orphans
        manager.hosting = None
        manager.drop_waiting()

    def kill_operations(self, manager: Manager) -> None:
        for id, job in list(manager.jobs.items()):
            if job.step == "asking":
                self.grant(manager, id)
            if id in manager.jobs:
                self.end(manager, id, O.FAILED)

    # The reconciler, and the leases.

    @rule(name=st.sampled_from(MANAGERS))
    def renew(self, name: str) -> None:
        self.renew_lease(self.managers[name])

    def renew_lease(self, manager: Manager) -> None:
        hosting = manager.hosting
        if hosting is not None and not self.rows.renew(manager.name, hosting.term, self.now):
            manager.abandon(self.rows)

    @precondition(lambda self: self.rows.lease_until is not None)
    @rule(name=st.sampled_from(MANAGERS))
    def a_lease_runs_out(self, name: str) -> None:
        """Its owner is slow, and may go on with the term that it had."""
        assert self.rows.lease_until is not None
        self.now = max(self.now, self.rows.lease_until)
        self.reconcile(self.managers[name])

    @rule(name=st.sampled_from(MANAGERS))
    def look(self, name: str) -> None:
        self.reconcile(self.managers[name])

    def reconcile(self, manager: Manager) -> None:
        if not manager.up:
            return
        rows, item = self.rows, manager.hosting
        row = Row("e", rows.status, rows.term, rows.owner, rows.lease_until)
        active = (row,) if rows.status in ACTIVE_STATUSES else ()
        hosted = {} if item is None else {"e": Hosted("e", item.term, item.cancel_mode)}
        waiting, kills = rows.status is S.PENDING, rows.kills(manager.name)
        manager.killing &= kills
        deadline = rows.deadline if rows.status is S.CANCELLING else None
        due = deadline is not None and deadline <= self.now
        passed = frozenset({Deadline("e", self.now, deadline)} if due and deadline else ())
        snapshot = Snapshot(
            manager.name,
            active,
            hosted,
            frozenset(hosted),
            waiting,
            kills,
            frozenset(manager.killing),
            passed,
        )
        for action in reconcile(snapshot, self.now):
            self.apply(manager, action)

    def apply(self, manager: Manager, action: object) -> None:
        match action:
            case TakeOver(_, term):
                self.decisions.append((manager, term))
                self.take_over(manager, term)
            case ApplyCancel(_, _, mode):
                manager.hear(mode, self.rows.term)
            case Abandon(_):
                manager.abandon(self.rows)
            case Escalate(_):
                self.rows.escalate(self.now)
            case KillResiduals(_, term):
                self.kill_residuals(manager, term)
            case StartWaiting():
                self.claim(manager)
            case _:
                raise AssertionError(f"unknown action {action!r}")

    # What holds.

    @invariant()
    def one_process_at_most_acts(self) -> None:
        # C5
        acting = [manager.name for manager in self.managers.values() if manager.acts(self.rows.term)]
        assert acting in ([], [self.rows.owner])

    @invariant()
    def what_may_not_be_called_again_is_called_once_and_that_is_stored(self) -> None:
        assert self.calls == self.rows.workflow_entered

    @invariant()
    def what_is_over_waits_for_nothing(self) -> None:
        # C1
        if self.rows.status in END_STATUSES:
            assert self.rows.owner is None
            assert {task.state for task in self.rows.tasks.values()}.isdisjoint({O.PENDING, O.SENT})

    @invariant()
    def what_runs_is_stored_as_running(self) -> None:
        for manager in self.managers.values():
            for id, job in manager.jobs.items():
                if job.step == "forked":
                    task = self.rows.tasks[id]
                    assert (task.state, task.worker, task.attempt) == (O.STARTED, manager.name, job.attempt)

    def teardown(self) -> None:
        """C3: from wherever it is, with every message lost, the managers' own steps lead a forced execution
        to its end, give a standard one a live workflow that knows, and end what is to be killed.
        """
        for _ in range(12):
            before = repr((self.rows, self.managers))
            self.now += LEASE / 2
            for manager in self.managers.values():
                if not manager.up:
                    self.bury(manager)
                self.renew_lease(manager)
                self.reconcile(manager)
                if manager.about_to_fork:
                    self.fork(manager)
                if manager.hosting is not None and manager.hosting.process == "doomed":
                    manager.see_dead(Outcome.DIED)
                if manager.about_to_end:
                    self.finish(manager)
                for id, job in list(manager.jobs.items()):
                    if job.doomed and job.step == "asking":
                        self.grant(manager, id)
                    elif job.doomed:
                        self.end(manager, id, O.FAILED)
            if repr((self.rows, self.managers)) == before:
                break
        assert self.rows.status not in FORCED_STATUSES | {S.PENDING}
        if self.rows.status in ACTIVE_STATUSES:
            hosting = self.managers[str(self.rows.owner)].hosting
            assert hosting is not None
            assert (hosting.term, hosting.process) == (self.rows.term, "alive")
            assert hosting.cancel_mode == MODE_OF_STATUS.get(self.rows.status)
            assert self.rows.deadline is None or self.rows.deadline > self.now
        for id, task in self.rows.tasks.items():
            if task.state is O.STARTED:
                # C7, of a kill of what was over.
                assert task.term > self.rows.kill_term
                assert task.worker is not None
                assert self.managers[task.worker].jobs[id].step == "forked"
        assert all(other.acts(self.rows.term) for other in self.managers.values() if other.running)


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(max_examples=400, stateful_step_count=50, deadline=None)
