from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudwright.model.operation import (
    OPERATION_ENDS,
    OPERATION_TRANSITIONS,
    Failure,
    OperationState,
    RetryPolicy,
    retry_delay,
)


def attempts_until_given_up(policy: RetryPolicy, failure: Failure, limit: int = 200) -> int | None:
    for attempt in range(1, limit):
        if retry_delay(policy, attempt, failure) is None:
            return attempt
    return None


@given(st.integers(min_value=0, max_value=100))
def test_an_operation_runs_once_and_as_often_again_as_it_may_be_retried(retries: int) -> None:
    assert attempts_until_given_up(RetryPolicy(retries, 1), Failure("no")) == retries + 1


def test_minus_one_retries_for_ever() -> None:
    assert attempts_until_given_up(RetryPolicy(-1, 1), Failure("no")) is None


@given(st.integers(min_value=-1, max_value=9), st.integers(min_value=1, max_value=9))
def test_what_cannot_recover_is_never_retried(retries: int, attempt: int) -> None:
    assert retry_delay(RetryPolicy(retries, 1), attempt, Failure("no", recoverable=False)) is None


def test_an_operation_s_own_wish_beats_the_policy_s_interval() -> None:
    assert retry_delay(RetryPolicy(3, 15), 1, Failure("busy", retry_after=0.0)) == 0.0
    assert retry_delay(RetryPolicy(3, 15), 1, Failure("busy")) == 15


def test_only_what_was_sent_can_start_and_only_what_started_can_succeed_on_a_worker() -> None:
    starters = {
        state for state, targets in OPERATION_TRANSITIONS.items() if OperationState.STARTED in targets
    }
    assert starters == {OperationState.SENT}
    for state in OPERATION_ENDS:
        assert OPERATION_TRANSITIONS[state] <= {OperationState.SENT}


@given(st.floats(0, 1e6), st.floats(1, 1e300), st.integers(1, 10**6))
def test_a_backoff_waits_longer_and_never_too_long(interval: float, backoff: float, attempt: int) -> None:
    policy = RetryPolicy(-1, interval, backoff)
    assert policy.delay(1) == min(interval, max(interval, 3600))
    assert interval <= policy.delay(attempt) <= policy.delay(attempt + 1) <= max(interval, 3600)


def test_a_backoff_multiplies_with_each_retry() -> None:
    assert [RetryPolicy(-1, 15, 2).delay(attempt) for attempt in range(1, 5)] == [15, 30, 60, 120]
    assert retry_delay(RetryPolicy(9, 15, 2), 3, Failure("busy")) == 60
    assert retry_delay(RetryPolicy(9, 15, 2), 3, Failure("busy", retry_after=1.0)) == 1
