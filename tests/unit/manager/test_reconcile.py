"""The reconciler as a function: from any snapshot, what it asks for leads to what the database says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloudwright.manager.deadlines import Deadline
from cloudwright.manager.reconcile import (
    MODE_OF_STATUS,
    STRENGTH,
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
from cloudwright.model.execution import ACTIVE_STATUSES, CancelMode, ExecutionStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
S = ExecutionStatus
IDS = ["a", "b", "c"]

times = st.sampled_from([None, NOW - timedelta(seconds=1), NOW, NOW + timedelta(seconds=1)])
rows = st.builds(
    Row,
    id=st.sampled_from(IDS),
    status=st.sampled_from(sorted(ACTIVE_STATUSES)),
    term=st.integers(1, 3),
    owner=st.sampled_from([None, "me", "other"]),
    lease_until=times,
    owner_lives=st.booleans(),
)
hosted = st.builds(
    Hosted, id=st.sampled_from(IDS), term=st.integers(1, 3), cancel_mode=st.sampled_from([None, *CancelMode])
)


deadlines = st.frozensets(st.builds(Deadline, st.sampled_from(IDS), st.just(NOW), st.just(NOW)))
kills = st.frozensets(st.tuples(st.sampled_from(IDS), st.integers(1, 3)))


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    by_id = {row.id: row for row in draw(st.lists(rows, max_size=3))}
    mine = {item.id: item for item in draw(st.lists(hosted, max_size=3))}
    settled = frozenset(id for id in mine if draw(st.booleans()))
    waiting = draw(st.booleans())
    return Snapshot(
        "me", tuple(by_id.values()), mine, settled, waiting, draw(kills), draw(kills), draw(deadlines)
    )


def properly_hosted(row: Row, snapshot: Snapshot) -> bool:
    item = snapshot.hosted.get(row.id)
    return item is not None and item.term == row.term and row.owner == "me"


@given(snapshots())
def test_what_nobody_alive_owns_is_taken_over_with_the_term_that_was_read(snapshot: Snapshot) -> None:
    taken = {action.id: action.term for action in reconcile(snapshot, NOW) if isinstance(action, TakeOver)}
    for row in snapshot.rows:
        leased = row.owner_lives or (row.lease_until is not None and row.lease_until > NOW)
        alive_elsewhere = row.owner == "other" and leased
        if properly_hosted(row, snapshot) or alive_elsewhere:
            assert row.id not in taken
        else:
            assert taken[row.id] == row.term


@given(snapshots())
def test_a_stored_request_reaches_its_host_even_if_its_message_was_lost(snapshot: Snapshot) -> None:
    applied = {
        action.id: action.mode for action in reconcile(snapshot, NOW) if isinstance(action, ApplyCancel)
    }
    for row in snapshot.rows:
        wanted = MODE_OF_STATUS.get(row.status)
        if (
            properly_hosted(row, snapshot)
            and STRENGTH[snapshot.hosted[row.id].cancel_mode] < STRENGTH[wanted]
        ):
            assert applied[row.id] is wanted
        else:
            assert row.id not in applied


@given(snapshots())
def test_a_passed_deadline_escalates_once_and_nothing_else_does(snapshot: Snapshot) -> None:
    escalated = [action.deadline for action in reconcile(snapshot, NOW) if isinstance(action, Escalate)]
    assert sorted(escalated) == sorted(snapshot.passed)


@given(snapshots())
def test_only_what_was_hosted_all_along_is_abandoned(snapshot: Snapshot) -> None:
    rows_by_id = {row.id: row for row in snapshot.rows}
    for action in reconcile(snapshot, NOW):
        if isinstance(action, Abandon):
            assert action.id in snapshot.settled
            row = rows_by_id.get(action.id)
            assert row is None or row.owner != "me" or row.term > snapshot.hosted[action.id].term


@given(snapshots())
def test_an_agreeing_world_is_left_alone(snapshot: Snapshot) -> None:
    agreeing = tuple(
        Row(item.id, S.STARTED, item.term, "me", NOW + timedelta(seconds=9))
        for item in snapshot.hosted.values()
    )
    settled = frozenset(snapshot.hosted)
    same = Snapshot(
        "me", agreeing, snapshot.hosted, settled, False, snapshot.killing, snapshot.killing, frozenset()
    )
    assert reconcile(same, NOW) == []


@given(snapshots())
def test_a_stored_kill_is_carried_out_once_and_before_anything_begins(snapshot: Snapshot) -> None:
    actions = reconcile(snapshot, NOW)
    found = [action for action in actions if isinstance(action, KillResiduals)]
    assert {(kill.id, kill.term) for kill in found} == snapshot.kills - snapshot.killing
    begins = [place for place, action in enumerate(actions) if isinstance(action, TakeOver | StartWaiting)]
    assert all(actions.index(kill) < place for kill in found for place in begins)


def test_what_waits_is_started() -> None:
    waiting = Snapshot("me", (), {}, frozenset(), True, frozenset(), frozenset(), frozenset())
    assert reconcile(waiting, NOW) == [StartWaiting()]
