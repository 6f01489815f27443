"""The guarded verbs of executions: each applies where the table of transitions allows it, and says so."""

from __future__ import annotations

from typing import Any

import pytest
from stored import NOW, at, create, event_types, grant, happened, operation, run, send, start, task

import workflow_frames
from cloudwright.errors import ExecutionRunning, IllegalAction, InvalidInput, NotFound
from cloudwright.model.execution import CancelMode, Outcome
from cloudwright.model.execution import ExecutionStatus as S
from cloudwright.model.operation import OperationState
from cloudwright.storage import manager_queries, operations, task_counts
from cloudwright.storage.executions import admission, cancellation, claims, ending
from cloudwright.storage.filters import ExecutionFilter
from cloudwright.storage.paging import EVERYTHING, Page
from cloudwright.storage.records import CancelResult, Execution, FinishResult
from cloudwright.storage.store import Store


def status(store: Store, id: str = "e1") -> S:
    return store.read_sync(manager_queries.get, id).status


def cancel(store: Store, mode: CancelMode = CancelMode.CANCEL, id: str = "e1", **more: Any) -> CancelResult:
    return store.write_sync(cancellation.request_cancel, id, mode, by="admin", now=NOW, **more)


def finish(
    store: Store, outcome: Outcome = Outcome.TERMINATED, id: str = "e1", term: int = 1, **more: Any
) -> FinishResult:
    result = store.write_sync(ending.finish, id, term, outcome, now=at(9), **more)
    assert result is not None
    return result


def test_created_as_it_was_given(store: Store) -> None:
    parameters = {"big": 2**70, "text": "ü\0\ud800", "none": None, "nested": [{"a": 1.5}]}
    created = create(store, parameters=parameters, created_by="admin", is_dry_run=True)
    assert created == store.read_sync(manager_queries.get, "e1")
    assert created.parameters == parameters
    assert (created.status, created.term, created.created_at) == (S.PENDING, 0, NOW)
    assert created.created_at.utcoffset() is not None
    assert (created.is_dry_run, created.force, created.created_by) == (True, False, "admin")


def test_unknown_and_foreign_executions_are_not_found(store: Store) -> None:
    create(store)
    with pytest.raises(NotFound, match="`nope`"):
        store.read_sync(manager_queries.get, "nope")
    with pytest.raises(NotFound, match="tenant `other`"):
        store.read_sync(manager_queries.get, "e1", "other")
    with pytest.raises(NotFound):
        store.write_sync(cancellation.request_cancel, "nope", CancelMode.KILL, by=None, now=NOW)


def test_a_busy_deployment_refuses_queues_or_is_forced(store: Store) -> None:
    start(store, "e1")
    with pytest.raises(ExecutionRunning, match=r"`d1` is busy with `e1` \(install, started\)"):
        create(store, "e2")
    assert create(store, "e2", queue=True).status is S.QUEUED
    assert create(store, "e3", force=True).status is S.PENDING
    assert create(store, "e4", "another").status is S.PENDING
    assert create(store, "e5", None).status is S.PENDING
    assert create(store, "e6", None).status is S.PENDING
    assert create(store, "e7", tenant="other").status is S.PENDING


def test_one_that_is_only_scheduled_is_in_nobodys_way(store: Store) -> None:
    create(store, "e1", scheduled_for=at(60))
    assert create(store, "e2").status is S.PENDING


def test_claim(store: Store) -> None:
    create(store)
    claimed = store.write_sync(claims.claim, "e1", "m1", at(30), at(1))
    assert claimed is not None
    assert (claimed.status, claimed.owner, claimed.term) == (S.STARTED, "m1", 1)
    assert (claimed.started_at, claimed.lease_until) == (at(1), at(30))
    assert store.write_sync(claims.claim, "e1", "m2", at(30), at(2)) is None
    assert store.write_sync(claims.claim, "nope", "m2", at(30), at(2)) is None
    assert store.read_sync(manager_queries.get, "e1") == claimed


def test_the_longest_age_counts_from_each_start(store: Store) -> None:
    create(store, timeout=60.0)
    claimed = store.write_sync(claims.claim, "e1", "m1", at(30), NOW, at(60))
    assert claimed is not None
    assert (claimed.timeout, claimed.expires_at) == (60.0, at(60))
    taken = store.write_sync(claims.take_over, "e1", old_term=1, owner="m2", lease_until=at(60), now=at(40))
    assert taken is not None
    assert taken.expires_at == at(60)
    finish(store, Outcome.FAILED, term=2)
    store.write_sync(admission.resume, "e1", by="u", now=at(70))
    claimed = store.write_sync(claims.claim, "e1", "m1", at(99), at(80), at(140))
    assert claimed is not None
    assert claimed.expires_at == at(140)


def test_take_over_needs_the_last_term(store: Store) -> None:
    start(store)
    taken = store.write_sync(claims.take_over, "e1", old_term=1, owner="m2", lease_until=at(60), now=at(40))
    assert taken is not None
    assert (taken.status, taken.owner, taken.term) == (S.STARTED, "m2", 2)
    again = store.write_sync(claims.take_over, "e1", old_term=1, owner="m3", lease_until=at(60), now=at(40))
    assert again is None
    assert store.write_sync(ending.finish, "e1", 1, Outcome.TERMINATED, now=at(9)) is None
    assert finish(store, term=2) is not None
    late = store.write_sync(claims.take_over, "e1", old_term=2, owner="m3", lease_until=at(60), now=at(40))
    assert late is None


def test_a_takeover_counts_a_crash_unless_the_owner_had_released_it(store: Store) -> None:
    start(store)

    def take(term: int) -> Execution:
        taken = store.write_sync(
            claims.take_over, "e1", old_term=term, owner="m1", lease_until=at(60), now=at(40)
        )
        assert taken is not None
        return taken

    assert [take(term).crashes for term in (1, 2, 3)] == [1, 2, 3]
    # A stale term releases and forgives nothing.
    store.write_sync(claims.release, "m1", [("e1", 3)])
    store.write_sync(claims.forgive_crashes, "e1", 3)
    assert take(4).crashes == 4
    store.write_sync(claims.release, "m1", [("e1", 5)])
    assert store.read_sync(manager_queries.get, "e1").owner is None
    assert take(5).crashes == 4
    store.write_sync(claims.forgive_crashes, "e1", 6)
    assert store.read_sync(manager_queries.get, "e1").crashes == 0


def test_what_brought_its_manager_down_is_resumed_by_force_only(store: Store) -> None:
    start(store)
    for term in (1, 2, 3):
        store.write_sync(claims.take_over, "e1", old_term=term, owner="m1", lease_until=at(60), now=at(40))
    finish(store, term=4, outcome=Outcome.FAILED)
    with pytest.raises(IllegalAction, match=r"died 3 times .* --force"):
        store.write_sync(admission.resume, "e1", by="u", now=at(50))
    resumed = store.write_sync(admission.resume, "e1", by="u", reset_operations=True, now=at(50))
    assert (resumed.status, resumed.crashes) == (S.PENDING, 2)


def test_only_its_owner_or_whoever_comes_after_the_lease_takes_over(store: Store) -> None:
    start(store)

    def take(owner: str, term: int, seconds: float) -> Execution | None:
        return store.write_sync(
            claims.take_over, "e1", old_term=term, owner=owner, lease_until=at(60), now=at(seconds)
        )

    # It is renewed after it was seen to have run out, and before it was taken over.
    assert store.write_sync(claims.renew, "m1", [("e1", 1)], at(40)) == {"e1"}
    assert take("m2", 1, 39) is None
    assert store.read_sync(manager_queries.get, "e1").owner == "m1"
    # An owner that starts again finds what its earlier life owned, and has no lease to wait for.
    again = take("m1", 1, 5)
    assert again is not None
    assert (again.owner, again.term, again.lease_until) == ("m1", 2, at(60))
    taken = take("m2", 2, 60)
    assert taken is not None
    assert (taken.owner, taken.term) == ("m2", 3)


def test_that_a_workflow_began_is_kept_while_it_may_begin(store: Store) -> None:
    create(store)
    assert not store.write_sync(claims.begin, "e1", 0)
    claimed = store.write_sync(claims.claim, "e1", "m1", at(30), NOW)
    assert claimed is not None
    assert not claimed.workflow_entered
    assert not store.write_sync(claims.begin, "e1", 0)
    assert not store.read_sync(manager_queries.get, "e1").workflow_entered
    cancel(store)
    assert store.write_sync(claims.begin, "e1", 1)
    assert store.read_sync(manager_queries.get, "e1").workflow_entered
    finish(store, outcome=Outcome.CANCELLED)
    assert store.write_sync(admission.resume, "e1", by="admin", now=NOW).workflow_entered


@pytest.mark.parametrize("mode", [CancelMode.FORCE, CancelMode.KILL])
def test_no_workflow_begins_once_it_is_forced_to_end(store: Store, mode: CancelMode) -> None:
    start(store)
    cancel(store, mode)
    assert not store.write_sync(claims.begin, "e1", 1)
    assert not store.read_sync(manager_queries.get, "e1").workflow_entered


def test_renew_keeps_what_is_still_the_owners(store: Store) -> None:
    for id in ("mine", "taken", "over", "other"):
        start(store, id, None)
    store.write_sync(claims.take_over, "taken", old_term=1, owner="m2", lease_until=at(30), now=at(30))
    finish(store, id="over")
    asked = [("mine", 1), ("taken", 1), ("over", 1), ("nope", 1)]
    assert store.write_sync(claims.renew, "m1", asked, at(99)) == {"mine"}
    assert store.write_sync(claims.renew, "m1", [], at(99)) == set()
    assert store.read_sync(manager_queries.get, "mine").lease_until == at(99)
    assert store.read_sync(manager_queries.get, "other").lease_until == at(30)
    expired = store.read_sync(manager_queries.expired, at(30))
    assert [execution.id for execution in expired] == ["other", "taken"]


@pytest.mark.parametrize("mode", list(CancelMode))
@pytest.mark.parametrize("kind", ["scheduled", "queued", "pending"])
def test_cancelling_what_waits_ends_it_at_once(store: Store, kind: str, mode: CancelMode) -> None:
    if kind == "queued":
        start(store, "running")
    created = create(store, queue=True, scheduled_for=at(60) if kind == "scheduled" else None)
    assert created.status == kind
    result = cancel(store, mode)
    assert (result.previous, result.execution.status) == (kind, S.CANCELLED)
    assert (result.execution.cancel_mode, result.execution.cancel_requested_by) == (mode, "admin")
    assert result.execution.ended_at == NOW
    assert store.write_sync(claims.claim, "e1", "m1", at(30), NOW) is None
    assert event_types(store) == ["execution_cancel_requested", "workflow_cancelled"]


def test_a_request_is_raised_but_not_lowered_or_repeated(store: Store) -> None:
    start(store)
    result = cancel(store, deadline=at(30))
    assert (result.execution.status, result.execution.deadline) == (S.CANCELLING, at(30))
    assert cancel(store).decision.refusal
    result = cancel(store, CancelMode.FORCE)
    assert (result.execution.status, result.execution.deadline) == (S.FORCE_CANCELLING, None)
    assert cancel(store).decision.refusal
    assert cancel(store, CancelMode.FORCE).decision.refusal
    assert cancel(store, CancelMode.KILL).execution.status is S.KILL_CANCELLING
    before = store.read_sync(manager_queries.get, "e1")
    assert cancel(store, CancelMode.KILL).decision.refusal
    assert store.read_sync(manager_queries.get, "e1") == before
    asked = [event.details for event in happened(store) if event.event_type == "execution_cancel_requested"]
    assert asked == [
        {"mode": "cancel", "by": "admin", "previous_status": "started"},
        {"mode": "force-cancel", "by": "admin", "previous_status": "cancelling"},
        {"mode": "kill", "by": "admin", "previous_status": "force_cancelling"},
    ]


def test_a_kill_of_what_is_over_asks_for_its_residuals_and_changes_nothing_else(store: Store) -> None:
    start(store)
    finish(store)
    before = store.read_sync(manager_queries.get, "e1")
    assert cancel(store).decision.refusal
    assert cancel(store, CancelMode.FORCE).decision.refusal
    assert event_types(store) == ["workflow_succeeded"]
    assert cancel(store, CancelMode.KILL).decision.kill_residuals
    assert store.read_sync(manager_queries.get, "e1") == before
    assert event_types(store) == ["workflow_succeeded", "execution_cancel_requested"]
    assert store.read_sync(manager_queries.kills, "w1") == []


def test_a_kill_of_what_is_over_is_kept_until_nothing_of_it_runs(store: Store) -> None:
    start(store)
    run(store, "o1", "o2")
    finish(store, outcome=Outcome.FAILED)
    assert store.read_sync(manager_queries.kills, "w1") == []
    cancel(store, CancelMode.KILL)
    assert store.read_sync(manager_queries.kills, "w1") == [("e1", 1)]
    assert store.read_sync(manager_queries.kills, "another worker") == []
    # What an execution that was resumed then runs is not meant.
    store.write_sync(admission.resume, "e1", by="admin", now=NOW)
    claimed = store.write_sync(claims.claim, "e1", "m1", at(30), NOW)
    assert claimed is not None
    send(store, "o3", term=2)
    assert grant(store, "o3", term=2) == {"o3"}
    assert store.read_sync(manager_queries.kills, "w1") == [("e1", 1)]
    store.write_sync(operations.end, "o1", 1, state=OperationState.FAILED, now=NOW)
    store.write_sync(operations.lose, ["o2"], "its worker was lost", NOW)
    assert store.read_sync(manager_queries.kills, "w1") == []
    # Nor is an operation that was meant, once it runs again.
    assert store.write_sync(workflow_frames.send, "e1", 2, operation("o1", 2), NOW)
    assert grant(store, "o1", term=2, attempt=2) == {"o1"}
    assert store.read_sync(manager_queries.kills, "w1") == []
    finish(store, term=2)
    cancel(store, CancelMode.KILL)
    assert store.read_sync(manager_queries.kills, "w1") == [("e1", 2)]


def test_a_kill_of_what_waits_to_be_resumed_is_kept_too(store: Store) -> None:
    start(store)
    run(store, "o1")
    finish(store, outcome=Outcome.FAILED)
    store.write_sync(admission.resume, "e1", by="admin", now=NOW)
    assert cancel(store, CancelMode.KILL).execution.status is S.CANCELLED
    assert store.read_sync(manager_queries.kills, "w1") == [("e1", 1)]


@pytest.mark.parametrize("mode", [CancelMode.CANCEL, CancelMode.FORCE])
def test_no_weaker_request_is_kept_as_a_kill(store: Store, mode: CancelMode) -> None:
    start(store)
    run(store, "o1")
    cancel(store, mode)
    finish(store)
    cancel(store, mode)
    assert store.read_sync(manager_queries.kills, "w1") == []


@pytest.mark.parametrize(
    ("mode", "outcome", "final"),
    [
        (None, Outcome.TERMINATED, S.TERMINATED),
        (None, Outcome.FAILED, S.FAILED),
        (None, Outcome.CANCELLED, S.CANCELLED),
        (None, Outcome.DIED, S.FAILED),
        (CancelMode.CANCEL, Outcome.TERMINATED, S.TERMINATED),
        (CancelMode.CANCEL, Outcome.FAILED, S.FAILED),
        (CancelMode.CANCEL, Outcome.DIED, S.CANCELLED),
        (CancelMode.FORCE, Outcome.TERMINATED, S.CANCELLED),
        (CancelMode.KILL, Outcome.FAILED, S.CANCELLED),
    ],
)
def test_every_active_execution_can_end(
    store: Store, mode: CancelMode | None, outcome: Outcome, final: S
) -> None:
    start(store)
    if mode is not None:
        cancel(store, mode)
    result = finish(store, outcome, error="it broke", note="a note", killed=True)
    assert result.execution.status is final
    assert result.execution == store.read_sync(manager_queries.get, "e1")
    assert result.execution.error == ("it broke" if final is S.FAILED else "a note")
    assert (result.execution.owner, result.execution.lease_until) == (None, None)
    assert (result.execution.ended_at, result.execution.term) == (at(9), 1)
    said = {
        S.TERMINATED: "workflow_succeeded",
        S.FAILED: "workflow_failed",
        S.CANCELLED: "workflow_cancelled",
    }
    assert event_types(store)[-1] == said[final]
    assert store.write_sync(ending.finish, "e1", 1, outcome, now=at(9)) is None


def test_an_end_is_stored_whatever_its_error_says(store: Store) -> None:
    start(store)
    finish(store, Outcome.FAILED, error="zero \0 byte, half \ud800")
    assert store.read_sync(manager_queries.get, "e1").error == "zero \ufffd byte, half ?"


def test_what_never_started_can_not_finish(store: Store) -> None:
    create(store)
    assert store.write_sync(ending.finish, "e1", 0, Outcome.TERMINATED, now=at(9)) is None
    assert status(store) is S.PENDING


def test_a_kill_ends_only_after_its_operations_were_ended(store: Store) -> None:
    start(store)
    run(store, "o1")
    cancel(store, CancelMode.KILL)
    result = finish(store, Outcome.DIED)
    assert result.kill_first
    assert [operation.id for operation in result.residual] == ["o1"]
    assert status(store) is S.KILL_CANCELLING
    result = finish(store, Outcome.DIED, killed=True)
    assert not result.kill_first
    assert status(store) is S.CANCELLED


def test_the_end_revokes_what_has_not_started_and_names_what_runs(store: Store) -> None:
    start(store)
    tasks = [task("waits"), task("asked"), task("runs"), task("done"), task("inside", "local")]
    store.write_sync(workflow_frames.store_graph, "e1", 1, "g1", "graph", tasks, NOW)
    send(store, "asked", "runs", "done")
    grant(store, "runs", "done")
    store.write_sync(operations.end, "done", 1, state=OperationState.SUCCEEDED, now=NOW)
    store.write_sync(workflow_frames.set_task, "e1", 1, "inside", OperationState.STARTED, None, NOW)
    assert store.read_sync(task_counts.get, "e1") == (5, 1)
    result = finish(store, Outcome.CANCELLED)
    assert result.revoked == 3
    assert [operation.id for operation in result.residual] == ["runs"]
    states = {row.id: str(row.state) for _, rows in store.read_sync(operations.graphs, "e1") for row in rows}
    assert states == {
        "waits": "cancelled",
        "asked": "cancelled",
        "inside": "cancelled",
        "runs": "started",
        "done": "succeeded",
    }
    assert happened(store)[-1].details == {"residual_operations": ["runs"]}
    assert grant(store, "asked") == set()
    # The residual operation's end is kept, and counted.
    end = store.write_sync(operations.end, "runs", 1, state=OperationState.FAILED, now=NOW)
    assert (end.applied, end.execution_status) == (True, S.CANCELLED)
    assert store.read_sync(task_counts.get, "e1") == (5, 2)


@pytest.mark.parametrize("how", ["finish", "cancel"])
def test_an_end_promotes_the_oldest_queued(store: Store, how: str) -> None:
    create(store, "e1")
    create(store, "younger", queue=True, now=at(2))
    create(store, "older", queue=True, now=at(1))
    create(store, "elsewhere", "d2")
    create(store, "waits elsewhere", "d2", queue=True)
    if how == "finish":
        store.write_sync(claims.claim, "e1", "m1", at(30), NOW)
        assert finish(store).promoted == ["older"]
    else:
        assert cancel(store).promoted == ["older"]
    assert status(store, "older") is S.PENDING
    assert status(store, "younger") is S.QUEUED
    assert status(store, "waits elsewhere") is S.QUEUED
    assert event_types(store, "older") == ["execution_dequeued"]
    # Nothing else moves while that one is about to run.
    assert store.write_sync(admission.promote, "default_tenant", "d1", NOW) == []


def test_due(store: Store) -> None:
    start(store, "running")
    create(store, "busy", scheduled_for=at(10))
    create(store, "free", "d2", scheduled_for=at(20))
    create(store, "second", "d2", scheduled_for=at(21))
    create(store, "forced", scheduled_for=at(22), force=True)
    create(store, "later", "d3", scheduled_for=at(90))
    assert store.read_sync(manager_queries.next_scheduled) == at(10)
    assert store.write_sync(admission.due, at(30)) == ["busy", "free", "second", "forced"]
    found = {id: status(store, id) for id in ("busy", "free", "second", "forced", "later")}
    assert found == {
        "busy": S.QUEUED,
        "free": S.PENDING,
        "second": S.QUEUED,
        "forced": S.PENDING,
        "later": S.SCHEDULED,
    }
    assert store.write_sync(admission.due, at(30)) == []
    assert store.read_sync(manager_queries.next_scheduled) == at(90)


def test_resume(store: Store) -> None:
    start(store)
    store.write_sync(workflow_frames.store_graph, "e1", 1, "g1", "graph", [task("o1"), task("o2")], NOW)
    cancel(store)
    finish(store, Outcome.CANCELLED, note="m2 could not be reached")
    resumed = store.write_sync(admission.resume, "e1", by="eve", reset_operations=True, now=at(20))
    assert (resumed.status, resumed.resumed, resumed.reset_operations) == (S.PENDING, 1, True)
    assert (resumed.error, resumed.ended_at, resumed.deadline) == (None, None, None)
    assert (resumed.cancel_mode, resumed.cancel_requested_by, resumed.cancel_requested_at) == (
        None,
        None,
        None,
    )
    assert happened(store)[-1].details == {
        "by": "eve",
        "reset_operations": True,
        "previous_status": "cancelled",
    }
    claimed = store.write_sync(claims.claim, "e1", "m2", at(50), at(21))
    assert claimed is not None
    assert (claimed.term, claimed.started_at) == (2, NOW)
    # What was revoked may be asked for again, by the new owner alone.
    assert not store.write_sync(workflow_frames.send, "e1", 1, operation("o1"), NOW)
    assert store.write_sync(workflow_frames.send, "e1", 2, operation("o1"), NOW)
    assert grant(store, "o1", term=1) == set()
    assert grant(store, "o1", term=2) == {"o1"}


def test_resume_is_refused(store: Store) -> None:
    start(store)
    with pytest.raises(IllegalAction, match=r"`e1` is `started`; only one that is `cancelled` or `failed`"):
        store.write_sync(admission.resume, "e1", by="eve", now=NOW)
    finish(store, Outcome.FAILED, error="it broke")
    create(store, "e2")
    with pytest.raises(ExecutionRunning, match="`e2`"):
        store.write_sync(admission.resume, "e1", by="eve", now=NOW)
    cancel(store, id="e2")
    assert store.write_sync(admission.resume, "e1", by="eve", now=NOW).status is S.PENDING
    create(store, "done", "d2")
    store.write_sync(claims.claim, "done", "m1", at(1), NOW)
    finish(store, id="done")
    with pytest.raises(IllegalAction, match="`terminated`"):
        store.write_sync(admission.resume, "done", by="eve", now=NOW)


def test_deadlines(store: Store) -> None:
    for id in ("standard", "forced", "none"):
        start(store, id, None)
    cancel(store, id="standard", deadline=at(10))
    cancel(store, id="none")
    cancel(store, id="forced", deadline=at(5))
    cancel(store, CancelMode.FORCE, id="forced")
    active = store.read_sync(manager_queries.active)
    assert {row.id: row.deadline for row in active} == {"standard": at(10), "forced": None, "none": None}


def test_lists(store: Store) -> None:
    assert store.read_sync(manager_queries.next_scheduled) is None
    for place, id in enumerate(["e1", "e2", "e3", "e4"]):
        create(store, id, f"d{place}", now=at(place), created_by="eve" if place % 2 else "adam")
    create(store, "system", None, now=at(9), is_system_workflow=True, tenant="other")
    store.write_sync(claims.claim, "e2", "m1", at(30), NOW)

    def ids(filter: ExecutionFilter, page: Page = EVERYTHING) -> tuple[list[str], int]:
        rows, total = store.read_sync(manager_queries.list_executions, filter, page)
        assert all(isinstance(row, Execution) for row in rows)
        return [row.id for row in rows], total

    assert ids(ExecutionFilter()) == (["e1", "e2", "e3", "e4", "system"], 5)
    assert ids(ExecutionFilter(tenant="other")) == (["system"], 1)
    assert ids(ExecutionFilter(include_system_workflows=False))[1] == 4
    assert ids(ExecutionFilter(statuses=[S.STARTED])) == (["e2"], 1)
    assert ids(ExecutionFilter(created_by="eve")) == (["e2", "e4"], 2)
    assert ids(ExecutionFilter(deployment_ids=["d0", "d3"])) == (["e1", "e4"], 2)
    assert ids(ExecutionFilter(ids=[])) == ([], 0)
    assert ids(ExecutionFilter(created_from=at(1), created_to=at(2))) == (["e2", "e3"], 2)
    assert ids(ExecutionFilter(search="E3")) == (["e3"], 1)
    assert ids(ExecutionFilter(search="INST%")) == ([], 0)
    newest = Page(size=2, sort=(("created_at", True),))
    assert ids(ExecutionFilter(), newest) == (["system", "e4"], 5)
    assert ids(ExecutionFilter(), Page(size=2, offset=4)) == (["system"], 5)
    assert ids(ExecutionFilter(), Page(size=2, offset=8)) == ([], 5)
    assert ids(ExecutionFilter(), Page(size=0)) == ([], 5)
    with pytest.raises(InvalidInput, match=r"`parameters`; it can be by: .*created_at"):
        ids(ExecutionFilter(), Page(sort=(("parameters", False),)))
    assert store.read_sync(manager_queries.pending, 2) == ["e1", "e3"]
    assert [row.id for row in store.read_sync(manager_queries.active)] == ["e2"]
