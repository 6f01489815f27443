"""The rules of cancellation under every interleaving that Hypothesis can think of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloudwright.model.execution import (
    ACTIVE_STATUSES,
    END_STATUSES,
    FORCED_STATUSES,
    GRANTING_STATUSES,
    REQUESTED_STATUS,
    RESUMABLE_STATUSES,
    TRANSITIONS,
    WAITING_STATUSES,
    CancelMode,
    ExecutionStatus,
    Outcome,
    decide_cancel,
    final_status,
    sources_of,
)

S = ExecutionStatus
STRENGTH = {S.STARTED: 0, S.CANCELLING: 1, S.FORCE_CANCELLING: 2, S.KILL_CANCELLING: 3}


def test_every_status_is_in_exactly_one_kind() -> None:
    for status in ExecutionStatus:
        assert [status in kind for kind in (WAITING_STATUSES, ACTIVE_STATUSES, END_STATUSES)].count(True) == 1
    assert set(TRANSITIONS) == set(ExecutionStatus)


def test_ends_are_left_only_by_a_resume() -> None:
    for status in END_STATUSES:
        assert TRANSITIONS[status] == (
            frozenset({S.QUEUED, S.PENDING}) if status in RESUMABLE_STATUSES else frozenset()
        )


def test_sources_are_the_table_read_backwards() -> None:
    for target in ExecutionStatus:
        for source in ExecutionStatus:
            assert (source in sources_of(target)) == (target in TRANSITIONS[source])


@pytest.mark.parametrize("mode", CancelMode)
@pytest.mark.parametrize("status", sorted(WAITING_STATUSES))
def test_what_waits_is_cancelled_at_once(status: ExecutionStatus, mode: CancelMode) -> None:
    decision = decide_cancel(status, mode)
    assert decision.status is S.CANCELLED
    assert decision.refusal is None
    # One that waits to be resumed may have left operations running.
    assert decision.kill_residuals == (mode is CancelMode.KILL)


@pytest.mark.parametrize("mode", CancelMode)
@pytest.mark.parametrize("status", sorted(WAITING_STATUSES - {S.SCHEDULED}))
def test_what_waits_to_be_resumed_waits_for_its_children(status: ExecutionStatus, mode: CancelMode) -> None:
    decision = decide_cancel(status, mode, has_children=True)
    assert decision.status is REQUESTED_STATUS[mode]
    assert decision.status in TRANSITIONS[status]
    assert (decision.refusal, decision.kill_residuals) == (None, False)


@pytest.mark.parametrize("status", sorted(END_STATUSES))
def test_what_is_over_can_only_be_killed_and_keeps_its_status(status: ExecutionStatus) -> None:
    for mode in (CancelMode.CANCEL, CancelMode.FORCE):
        decision = decide_cancel(status, mode)
        assert decision.status is None
        assert decision.refusal is not None
        assert str(status) in decision.refusal
    kill = decide_cancel(status, CancelMode.KILL)
    assert (kill.status, kill.refusal, kill.kill_residuals) == (None, None, True)


@given(st.sampled_from(sorted(ACTIVE_STATUSES)), st.sampled_from(CancelMode))
def test_a_request_is_raised_never_lowered_never_repeated(status: ExecutionStatus, mode: CancelMode) -> None:
    decision = decide_cancel(status, mode)
    if STRENGTH[REQUESTED_STATUS[mode]] > STRENGTH[status]:
        assert decision.status is REQUESTED_STATUS[mode]
        assert decision.status in TRANSITIONS[status]
    else:
        assert decision.status is None
        assert decision.refusal


@given(st.sampled_from(sorted(ACTIVE_STATUSES)), st.sampled_from(Outcome))
def test_every_outcome_of_an_active_execution_is_a_legal_end(
    status: ExecutionStatus, outcome: Outcome
) -> None:
    end = final_status(status, outcome)
    assert end in END_STATUSES
    assert end in TRANSITIONS[status]
    if status in FORCED_STATUSES:
        assert end is S.CANCELLED


def test_a_workflow_that_ends_by_itself_while_cancelling_keeps_its_own_end() -> None:
    # Elsewhere an execution that was asked to stop and ended by itself a moment later stayed `cancelling` for
    # ever.
    assert final_status(S.CANCELLING, Outcome.TERMINATED) is S.TERMINATED
    assert final_status(S.CANCELLING, Outcome.FAILED) is S.FAILED
    assert final_status(S.CANCELLING, Outcome.DIED) is S.CANCELLED
    assert final_status(S.STARTED, Outcome.DIED) is S.FAILED


class OneExecution(RuleBasedStateMachine):
    """One row, written only as the store's verbs write it, by users, an owner and its crashes."""

    def __init__(self) -> None:
        super().__init__()
        self.status = S.PENDING
        self.strongest = 0
        self.granted_after_end = 0
        self.granted_after_force = 0

    def become(self, status: ExecutionStatus) -> None:
        assert status in TRANSITIONS[self.status], f"{self.status} -> {status}"
        self.status = status

    @precondition(lambda self: self.status is S.PENDING)
    @rule()
    def claim(self) -> None:
        self.become(S.STARTED)

    @rule(mode=st.sampled_from(CancelMode))
    def request(self, mode: CancelMode) -> None:
        decision = decide_cancel(self.status, mode)
        assert (decision.refusal is None) == (decision.status is not None or decision.kill_residuals)
        if decision.status is not None:
            self.become(decision.status)
            if self.status in STRENGTH:
                assert STRENGTH[self.status] > self.strongest
                self.strongest = STRENGTH[self.status]

    @rule()
    def ask_for_a_grant(self) -> None:
        if self.status in GRANTING_STATUSES:
            self.granted_after_end += self.status in END_STATUSES
            self.granted_after_force += self.status in FORCED_STATUSES

    @precondition(lambda self: self.status in ACTIVE_STATUSES)
    @rule(outcome=st.sampled_from(Outcome))
    def workflow_process_ends(self, outcome: Outcome) -> None:
        before = self.status
        self.become(final_status(self.status, outcome))
        if before in FORCED_STATUSES:
            assert self.status is S.CANCELLED

    @precondition(lambda self: self.status in RESUMABLE_STATUSES)
    @rule()
    def resume(self) -> None:
        self.become(S.PENDING)
        self.strongest = 0

    @invariant()
    def nothing_is_granted_after_an_end_or_a_force(self) -> None:
        assert self.granted_after_end == 0
        assert self.granted_after_force == 0

    @invariant()
    def every_request_can_still_end(self) -> None:
        if self.status in ACTIVE_STATUSES:
            assert final_status(self.status, Outcome.DIED) in END_STATUSES


TestOneExecution = OneExecution.TestCase
