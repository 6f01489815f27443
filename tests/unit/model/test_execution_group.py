"""What a group of executions is, from what its members are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.model.execution import ACTIVE_STATUSES, END_STATUSES, CancelMode, ExecutionStatus
from cloudwright.model.execution_group import group_status

S = ExecutionStatus
CANCEL, FORCE, KILL = CancelMode.CANCEL, CancelMode.FORCE, CancelMode.KILL


@pytest.mark.parametrize(
    ("counts", "cancel", "expected"),
    [
        ({}, None, S.TERMINATED),
        ({S.QUEUED: 3}, None, S.QUEUED),
        ({S.QUEUED: 3, S.PENDING: 1}, None, S.PENDING),
        ({S.QUEUED: 3, S.STARTED: 1}, None, S.STARTED),
        ({S.QUEUED: 3, S.TERMINATED: 1}, None, S.STARTED),
        ({S.QUEUED: 1, S.FAILED: 9}, None, S.STARTED),
        ({S.TERMINATED: 5}, None, S.TERMINATED),
        ({S.TERMINATED: 5, S.CANCELLED: 1}, CANCEL, S.CANCELLED),
        ({S.TERMINATED: 5, S.CANCELLED: 1, S.FAILED: 1}, None, S.FAILED),
        ({S.CANCELLED: 5, S.CANCELLING: 1}, CANCEL, S.CANCELLING),
        ({S.CANCELLED: 5, S.CANCELLING: 1, S.KILL_CANCELLING: 1}, KILL, S.KILL_CANCELLING),
        # One of them was resumed by itself.
        ({S.CANCELLED: 5, S.STARTED: 1}, FORCE, S.FORCE_CANCELLING),
        # One of them was cancelled by itself.
        ({S.CANCELLING: 1, S.STARTED: 1}, None, S.STARTED),
    ],
)
def test_status(
    counts: dict[ExecutionStatus, int], cancel: CancelMode | None, expected: ExecutionStatus
) -> None:
    assert group_status(counts, cancel) is expected


@given(st.dictionaries(st.sampled_from(S), st.integers(0, 3)), st.sampled_from([None, *CancelMode]))
def test_a_group_is_over_when_all_its_members_are(
    counts: dict[ExecutionStatus, int], cancel: CancelMode | None
) -> None:
    present = {status for status, count in counts.items() if count}
    status = group_status(counts, cancel)
    assert (status in END_STATUSES) == (present <= END_STATUSES)
    if present & ACTIVE_STATUSES:
        assert status in ACTIVE_STATUSES
