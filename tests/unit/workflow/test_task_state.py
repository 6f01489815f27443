"""The state of a task changes as its table has it, and in no other way."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cloudwright.workflow.task_state import (
    TASK_CANCELLED,
    TASK_FAILED,
    TASK_RESCHEDULED,
    TASK_SUCCEEDED,
    TRANSITIONS,
    TaskState,
)

VERBS = {
    "sending": (),
    "withdrawn": (),
    "sent": (),
    "started": (),
    "succeeded": ("value",),
    "failed": (ValueError("it broke"),),
    "refused": (RuntimeError("never"),),
    "rescheduled": (),
    "due": (),
}


def test_every_status_is_in_the_table_and_can_be_entered() -> None:
    entered = set().union(*TRANSITIONS.values())
    assert entered == set(TRANSITIONS)
    assert TASK_CANCELLED not in TRANSITIONS


class States(RuleBasedStateMachine):
    """Any verbs in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state = TaskState()

    @rule(verb=st.sampled_from(sorted(VERBS)))
    def apply(self, verb: str) -> None:
        state = self.state
        before = (state.status, state.is_set, state.value, state.error)
        refused = False
        try:
            getattr(state, verb)(*VERBS[verb])
        except RuntimeError:
            refused = True
        if refused:
            assert (state.status, state.is_set, state.value, state.error) == before
        else:
            assert state.status in TRANSITIONS[before[0]]

    @invariant()
    def an_outcome_is_that_of_the_status(self) -> None:
        state = self.state
        if state.status == TASK_SUCCEEDED:
            assert (state.is_set, state.value, state.error) == (True, "value", None)
        elif state.status == TASK_FAILED:
            assert (state.is_set, state.value) == (True, None)
            assert isinstance(state.error, ValueError)
        elif state.status == TASK_RESCHEDULED:
            assert not state.is_set
        if not state.is_set:
            assert state.value is state.error is None


States.TestCase.settings = settings(max_examples=100, deadline=None)
TestStates = States.TestCase


def test_a_verb_that_the_table_does_not_have_is_refused() -> None:
    state = TaskState()
    state.succeeded()
    with pytest.raises(RuntimeError, match="A task that is `succeeded` cannot become `pending`"):
        state.due()
    assert state.status == TASK_SUCCEEDED
