"""What an execution may start while it is being cancelled, and how a raised request reaches that."""

from __future__ import annotations

import pytest
from stored import at, create, event_types, start

from cloudwright.errors import ForbiddenWhileCancelling
from cloudwright.model.execution import (
    FORCED_MODES,
    REQUESTED_STATUS,
    Caller,
    CancelMode,
    Outcome,
    may_create,
)
from cloudwright.model.execution import ExecutionStatus as S
from cloudwright.storage import manager_queries
from cloudwright.storage.executions import cancellation, ending
from cloudwright.storage.records import CancelResult
from cloudwright.storage.store import Store


def cancel(store: Store, mode: CancelMode = CancelMode.CANCEL, id: str = "e1") -> CancelResult:
    return store.write_sync(cancellation.request_cancel, id, mode, by="user", now=at(5))


def clean_up(store: Store, id: str, of: str = "e1") -> None:
    create(store, id, force=True, now=at(6), cleanup_of=of)


def statuses(store: Store, *ids: str) -> list[S]:
    return [store.read_sync(manager_queries.get, id).status for id in ids]


@pytest.mark.parametrize("aware", [True, False])
@pytest.mark.parametrize("mode", [None, *CancelMode])
def test_what_is_being_cancelled_starts_nothing_but_its_clean_up(
    store: Store, mode: CancelMode | None, aware: bool
) -> None:
    start(store)
    if mode is not None:
        cancel(store, mode)
    caller = Caller("e1", aware)
    if mode is None:
        assert store.write_sync(cancellation.check_may_create, caller) is False
    elif mode is CancelMode.CANCEL and aware:
        assert store.write_sync(cancellation.check_may_create, caller) is True
    else:
        with pytest.raises(ForbiddenWhileCancelling, match=f"was asked to {mode}"):
            store.write_sync(cancellation.check_may_create, caller)


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.TERMINATED, Outcome.FAILED])
def test_what_an_ended_execution_left_running_starts_nothing(store: Store, outcome: Outcome) -> None:
    execution = start(store)
    cancel(store)
    store.write_sync(ending.finish, "e1", execution.term, outcome, now=at(7))
    with pytest.raises(ForbiddenWhileCancelling):
        store.write_sync(cancellation.check_may_create, Caller("e1", aware=True))


@pytest.mark.parametrize("mode", sorted(FORCED_MODES))
def test_a_raised_request_reaches_what_was_started_to_clean_up(store: Store, mode: CancelMode) -> None:
    start(store)
    cancel(store)
    for id, of in (("e2", "e1"), ("e3", "e2"), ("over", "e1")):
        clean_up(store, id, of)
    cancel(store, id="over")
    create(store, "other", deployment_id="d2")
    result = cancel(store, mode)
    (cleanup,) = result.passed_on
    assert [cleanup.execution.id, *(item.execution.id for item in cleanup.passed_on)] == ["e2", "e3"]
    # Neither had begun, so each ends at once.
    assert statuses(store, "e2", "e3", "over", "other") == [S.CANCELLED, S.CANCELLED, S.CANCELLED, S.PENDING]
    assert "execution_cleanup_started" in event_types(store)


def test_a_standard_request_does_not_reach_a_clean_up_and_a_later_kill_does(store: Store) -> None:
    execution = start(store)
    cancel(store)
    clean_up(store, "e2")
    store.write_sync(ending.finish, "e1", execution.term, Outcome.CANCELLED, now=at(7))
    assert statuses(store, "e1", "e2") == [S.CANCELLED, S.PENDING]
    cancel(store, CancelMode.KILL)
    assert statuses(store, "e1", "e2") == [S.CANCELLED, S.CANCELLED]


@pytest.mark.parametrize("status", list(S))
def test_the_rule_allows_what_no_request_concerns(status: S) -> None:
    assert may_create(status, None, aware=False)
    assert may_create(status, CancelMode.CANCEL, aware=True) == (status is S.CANCELLING)
    assert not may_create(status, CancelMode.CANCEL, aware=False)


def child(store: Store, id: str, of: str = "e1", deployment: str = "below") -> None:
    create(store, id, deployment_id=deployment, now=at(6), parent_id=of, parent_operation_id="o1", depth=1)


@pytest.mark.parametrize("mode", list(CancelMode))
def test_every_request_reaches_the_children_and_theirs(store: Store, mode: CancelMode) -> None:
    start(store)
    child(store, "e2")
    child(store, "e3", of="e2", deployment="lowest")
    result = cancel(store, mode)
    (passed_on,) = result.passed_on
    assert [passed_on.execution.id, *(item.execution.id for item in passed_on.passed_on)] == ["e2", "e3"]
    # Neither had begun. The lowest ends at once; its parent waits for that, though it runs nothing itself.
    assert statuses(store, "e2", "e3") == [REQUESTED_STATUS[mode], S.CANCELLED]
    assert "execution_child_started" in event_types(store)


def test_children_wait_for_places_of_their_own(store: Store) -> None:
    create(store, "e1")
    child(store, "e2")
    assert store.read_sync(manager_queries.pending, 10) == ["e1"]
    assert store.read_sync(manager_queries.pending_children) == [("e2", 1)]
    assert store.read_sync(manager_queries.descendants, "e1") == ["e2"]
    lowest = store.read_sync(manager_queries.get, "e2")
    assert store.read_sync(manager_queries.deployments_above, lowest) == ["d1", "below"]
