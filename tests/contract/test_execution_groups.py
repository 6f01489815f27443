"""Groups of executions: so many at a time, and none after the group was asked to stop."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection
from stored import NOW, TENANT, at, create, deploy, event_types

from cloudwright.model.execution import ACTIVE_STATUSES, CancelMode, ExecutionStatus, Outcome
from cloudwright.storage import deployment_groups, execution_groups, group_members, manager_queries
from cloudwright.storage.deployment_groups import DeploymentGroup
from cloudwright.storage.execution_groups import ExecutionGroup, GroupView
from cloudwright.storage.executions import admission, cancellation, claims, ending, groups
from cloudwright.storage.records import NewExecution
from cloudwright.storage.store import Store

S = ExecutionStatus
RUNNING = frozenset({S.PENDING}) | ACTIVE_STATUSES


def start_group(store: Store, size: int, concurrency: int = 2, **more: Any) -> None:
    """A group ``g`` of executions m00, m01 ... of deployments d00, d01 ..."""
    group = ExecutionGroup(
        "g", TENANT, "fleet", "install", concurrency, None, None, None, None, None, "tenant", "me", NOW
    )
    store.write_sync(_start, group, size, more)


def _start(conn: Connection, group: ExecutionGroup, size: int, more: dict[str, Any]) -> None:
    execution_groups.add(conn, group)
    for number in range(size):
        new = NewExecution(f"m{number:02}", "install", f"d{number:02}", "b", group_id="g", **more)
        admission.create(conn, new, queue=True, force=False, now=NOW)
    groups.fill(conn, "g", NOW)


def view(store: Store) -> GroupView:
    return store.read_sync(execution_groups.get_view, TENANT, "g")


def having(store: Store, *statuses: ExecutionStatus) -> list[str]:
    return [
        id for id in view(store).execution_ids if store.read_sync(manager_queries.get, id).status in statuses
    ]


def begin(store: Store, id: str) -> int:
    claimed = store.write_sync(claims.claim, id, "me", at(30), NOW)
    assert claimed is not None
    return claimed.term


def finish(store: Store, id: str, outcome: Outcome = Outcome.TERMINATED) -> list[str]:
    term = store.read_sync(manager_queries.get, id).term
    result = store.write_sync(ending.finish, id, term, outcome, killed=True, now=NOW)
    assert result is not None
    return result.promoted


def cancel_group(store: Store, mode: CancelMode = CancelMode.CANCEL) -> None:
    store.write_sync(_cancel, mode, NOW)


def _cancel(conn: Connection, mode: CancelMode, now: datetime) -> None:
    execution_groups.change(conn, "g", cancel_mode=mode)
    for id in groups.to_cancel(conn, "g", kill=mode is CancelMode.KILL):
        cancellation.request_cancel(conn, id, mode, by="me", now=now)


def test_as_many_run_as_the_group_has_places(store: Store) -> None:
    start_group(store, 5, concurrency=2)
    assert having(store, S.PENDING) == ["m00", "m01"]
    assert view(store).status is S.PENDING
    begin(store, "m00")
    begin(store, "m01")
    assert view(store).counts == {S.STARTED: 2, S.QUEUED: 3}
    assert finish(store, "m00") == ["m02"]
    assert event_types(store, "m02") == ["execution_dequeued"]
    begin(store, "m02")
    assert finish(store, "m02", Outcome.FAILED) == ["m03"]
    assert store.write_sync(
        cancellation.request_cancel, "m03", CancelMode.CANCEL, by="me", now=NOW
    ).promoted == ["m04"]
    for id in ("m01", "m04"):
        if id == "m04":
            begin(store, id)
        finish(store, id)
    assert view(store).status is S.FAILED


def test_a_member_waits_for_its_deployment_as_well(store: Store) -> None:
    create(store, "other", "d00", force=True)
    start_group(store, 3, concurrency=2)
    assert having(store, S.PENDING) == ["m01", "m02"]
    begin(store, "other")
    assert finish(store, "other") == []
    begin(store, "m01")
    assert finish(store, "m01") == ["m00"]


def test_what_waits_for_a_place_in_its_group_holds_up_nobody_else(store: Store) -> None:
    create(store, "other", "d01", force=True)
    start_group(store, 2, concurrency=1)
    create(store, "later", "d01", queue=True, now=at(1))
    assert having(store, S.PENDING) == ["m00"]
    begin(store, "other")
    assert finish(store, "other") == ["later"]


def test_more_places_start_more(store: Store) -> None:
    start_group(store, 4, concurrency=1)
    store.write_sync(execution_groups.change, "g", concurrency=3)  # type: ignore[arg-type]
    assert store.write_sync(groups.fill, "g", NOW) == ["m01", "m02"]


@pytest.mark.parametrize("mode", CancelMode)
@pytest.mark.parametrize("seed", range(2))
def test_no_member_starts_after_the_group_was_asked_to_stop(
    store: Store, mode: CancelMode, seed: int
) -> None:
    start_group(store, 12, concurrency=4)
    chance = random.Random(seed)
    started = having(store, S.PENDING)
    for id in started[: chance.randrange(1, 4)]:
        begin(store, id)
    begun = having(store, S.STARTED)
    cancel_group(store, mode)
    assert having(store, *RUNNING) == begun
    for id in begun:
        assert finish(store, id, chance.choice(list(Outcome))) == []
        # Another execution of the deployment ends meanwhile.
        create(store, f"by-hand-{id}", id.replace("m", "d"), force=True)
        begin(store, f"by-hand-{id}")
        assert finish(store, f"by-hand-{id}") == []
    assert having(store, *RUNNING, S.QUEUED) == []
    assert store.write_sync(groups.fill, "g", NOW) == []


def test_a_resumed_group_has_places_again(store: Store) -> None:
    start_group(store, 4, concurrency=2)
    begin(store, "m00")
    finish(store, "m00")
    begin(store, "m01")
    finish(store, "m01", Outcome.FAILED)
    cancel_group(store)
    assert view(store).counts == {S.TERMINATED: 1, S.FAILED: 1, S.CANCELLED: 2}

    def resume(conn: Connection) -> list[str]:
        resumed = groups.resume_members(conn, "g", by="me", reset_operations=False, now=NOW)
        execution_groups.change(conn, "g", cancel_mode=None)
        groups.fill(conn, "g", NOW)
        return resumed

    assert store.write_sync(resume) == ["m01", "m02", "m03"]
    assert having(store, S.PENDING) == ["m01", "m02"]
    assert having(store, S.QUEUED) == ["m03"]


def test_a_kill_reaches_only_ended_members_that_left_something_running(store: Store) -> None:
    start_group(store, 2)
    begin(store, "m00")
    finish(store, "m00")
    assert store.read_sync(groups.to_cancel, "g", kill=True) == ["m01"]


def test_deployments_come_into_the_group_of_how_theirs_ended(store: Store) -> None:
    for name in ("good", "bad"):
        labels = [{"key": "state", "value": name, "created_at": NOW.isoformat(), "created_by": None}]
        group = DeploymentGroup(TENANT, name, "tenant", None, None, {}, labels, 0, None, NOW)
        store.write_sync(deployment_groups.add, group)
    for number in range(4):
        deploy(store, f"d{number:02}", instances=0)
    start_group(store, 5, concurrency=5)
    store.write_sync(execution_groups.change, "g", success_group_id="good", failure_group_id="bad")  # type: ignore[arg-type]
    outcomes = [Outcome.TERMINATED, Outcome.FAILED, Outcome.CANCELLED, Outcome.TERMINATED, Outcome.TERMINATED]
    for number, outcome in enumerate(outcomes):
        begin(store, f"m{number:02}")
        finish(store, f"m{number:02}", outcome)
    # There is no deployment of the last.
    assert store.read_sync(group_members.members, TENANT, "good") == ["d00", "d03"]
    assert store.read_sync(group_members.members, TENANT, "bad") == ["d01"]
    ended = dict(store.read_sync(groups.ended_members, "g"))
    assert ended == {f"d{number:02}": S(outcome) for number, outcome in enumerate(outcomes)}
