"""Operations: sent, granted, ended or lost, and the frames of a workflow's process that ask for them."""

from __future__ import annotations

from typing import Any

import pytest
from stored import (
    NOW,
    TENANT,
    at,
    create,
    deploy,
    event_types,
    grant,
    happened,
    operation,
    residual,
    run,
    send,
    start,
    task,
)

import workflow_frames
from cloudwright.errors import InvalidInput, NotFound, StaleTerm
from cloudwright.model.execution import CancelMode, Outcome
from cloudwright.model.execution import ExecutionStatus as S
from cloudwright.model.operation import OperationState as O
from cloudwright.storage import instances, journal, operations
from cloudwright.storage.executions import cancellation, claims, ending
from cloudwright.storage.filters import OperationFilter
from cloudwright.storage.paging import EVERYTHING, Page
from cloudwright.storage.records import EndResult, JournalResult, Operation
from cloudwright.storage.store import Store


def cancel(store: Store, mode: CancelMode) -> None:
    store.write_sync(cancellation.request_cancel, "e1", mode, by="admin", now=NOW)


def take_over(store: Store, term: int = 1) -> None:
    taken = store.write_sync(
        claims.take_over, "e1", old_term=term, owner="m2", lease_until=at(60), now=at(30)
    )
    assert taken is not None


def end(store: Store, id: str = "o1", attempt: int = 1, state: O = O.SUCCEEDED, **more: Any) -> EndResult:
    return store.write_sync(operations.end, id, attempt, state=state, now=at(5), **more)


def stored(store: Store, id: str = "o1") -> Operation:
    return store.read_sync(operations.get, id)


def test_the_way_of_an_operation(store: Store) -> None:
    start(store)
    asked = operation("o1", source="n1_a", target="n2_a", instance=None)
    assert store.write_sync(workflow_frames.send, "e1", 1, asked, NOW)
    row = stored(store)
    assert (row.state, row.attempt, row.term, row.sent_at, row.parameters) == (O.SENT, 1, 1, NOW, asked)
    assert (row.name, row.kind, row.plugin) == (asked["name"], "operation", "p")
    assert (row.source_id, row.target_id, row.instance_id) == ("n1_a", "n2_a", None)
    assert store.write_sync(operations.grant, [("e1", 1, "o1", 1)], "w1", at(1)) == {"o1"}
    store.write_sync(operations.set_pid, "o1", 1, 4711)
    row = stored(store)
    assert (row.state, row.worker, row.started_at, row.pid, row.running) == (
        O.STARTED,
        "w1",
        at(1),
        4711,
        True,
    )
    result = end(store, result={"answer": [42]})
    assert (result.applied, result.conflict, result.execution_status) == (True, False, S.STARTED)
    assert result.execution_id == "e1"
    row = stored(store)
    assert (row.state, row.result, row.ended_at, row.running) == (O.SUCCEEDED, {"answer": [42]}, at(5), False)
    assert event_types(store) == ["task_started", "task_succeeded"]
    told = happened(store)[0]
    assert (told.operation, told.operation_id) == (asked["name"], "o1")
    assert (told.source_id, told.target_id) == ("n1_a", "n2_a")
    assert told.details == {"attempt": 1, "worker": "w1"}


def test_a_failure_is_kept_and_told(store: Store) -> None:
    start(store)
    run(store, "o1")
    failure = {"message": "no space left", "recoverable": True, "kind": "OSError", "traceback": "line 1"}
    end(store, state=O.FAILED, failure=failure)
    assert stored(store).failure == failure
    told = happened(store)[-1]
    assert told.event_type == "task_failed"
    assert "no space left" in told.message
    assert told.details == {"attempt": 1, "worker": "w1", **failure}


def test_only_one_grant_and_one_end_apply(store: Store) -> None:
    start(store)
    send(store, "o1")
    assert grant(store, "o1", attempt=2) == set()
    assert grant(store, "o1") == {"o1"}
    assert grant(store, "o1") == set()
    assert not end(store, attempt=2).applied
    assert end(store).applied
    repeated = end(store, state=O.FAILED)
    assert (repeated.applied, repeated.execution_id) == (False, "e1")
    assert stored(store).state is O.SUCCEEDED
    unknown = end(store, "nope")
    assert (unknown.applied, unknown.execution_id, unknown.execution_status) == (False, None, None)
    assert event_types(store) == ["task_started", "task_succeeded"]
    store.write_sync(operations.set_pid, "o1", 1, 4711)
    assert stored(store).pid is None


def test_a_request_to_cancel_revokes_what_was_not_granted(store: Store) -> None:
    start(store)
    run(store, "runs")
    send(store, "o1")
    cancel(store, CancelMode.CANCEL)
    assert (stored(store).state, stored(store, "runs").state) == (O.CANCELLED, O.STARTED)
    assert grant(store, "o1") == set()
    # The workflow may ask for it again, once it knows of the request; until then it can not mean it.
    assert not store.write_sync(workflow_frames.send, "e1", 1, operation("o1"), NOW)
    assert not store.write_sync(workflow_frames.send, "e1", 1, operation("o2"), NOW)
    assert store.write_sync(workflow_frames.send, "e1", 1, operation("o1"), NOW, aware=True)
    assert store.write_sync(workflow_frames.send, "e1", 1, operation("o2"), NOW, aware=True)
    assert grant(store, "o1") == {"o1"}
    cancel(store, CancelMode.FORCE)
    assert grant(store, "o2") == set()


@pytest.mark.parametrize("mode", [CancelMode.FORCE, CancelMode.KILL])
def test_after_a_forced_request_nothing_is_asked_for(store: Store, mode: CancelMode) -> None:
    start(store)
    send(store, "o1")
    cancel(store, mode)
    assert grant(store, "o1") == set()
    for id in ("o1", "o2"):
        assert not store.write_sync(workflow_frames.send, "e1", 1, operation(id), NOW, aware=True)


def test_no_grant_after_the_end_or_under_another_term(store: Store) -> None:
    start(store)
    send(store, "o1", "o2", "o3")
    assert grant(store, "o1", term=2) == set()
    assert grant(store, "o1", execution="e2") == set()
    take_over(store)
    assert grant(store, "o1", term=1) == set()
    assert grant(store, "o2", term=2) == {"o2"}
    store.write_sync(ending.finish, "e1", 2, Outcome.FAILED, error="it broke", now=NOW)
    assert grant(store, "o3", term=2) == set()
    assert stored(store, "o3").state is O.CANCELLED


def test_one_grant_for_many_executions(store: Store) -> None:
    for id in ("e1", "e2", "e3"):
        start(store, id, None)
        send(store, f"of {id}", execution=id)
    store.write_sync(cancellation.request_cancel, "e2", CancelMode.FORCE, by=None, now=NOW)
    wanted = [(id, 1, f"of {id}", 1) for id in ("e3", "e2", "e1")]
    assert store.write_sync(operations.grant, wanted, "w1", NOW) == {"of e1", "of e3"}
    assert store.write_sync(operations.grant, [], "w1", NOW) == set()
    assert [row.execution_id for row in store.read_sync(operations.running)] == ["e1", "e3"]
    assert [row.id for row in store.read_sync(operations.running, "e3")] == ["of e3"]


@pytest.mark.parametrize(
    ("state", "attempt", "allowed"),
    [
        (O.PENDING, 1, True),
        (O.SENT, 1, False),
        (O.SENT, 2, False),
        (O.STARTED, 2, False),
        (O.SUCCEEDED, 2, False),
        (O.FAILED, 1, False),
        (O.FAILED, 2, True),
    ],
)
def test_what_may_be_sent(store: Store, state: O, attempt: int, allowed: bool) -> None:
    start(store)
    store.write_sync(workflow_frames.store_graph, "e1", 1, "g1", "graph", [task("o1")], NOW)
    if state is not O.PENDING:
        send(store, "o1")
    if state not in (O.PENDING, O.SENT):
        grant(store, "o1")
    if state in (O.SUCCEEDED, O.FAILED):
        end(store, state=state, result="old", failure={"message": "old"})
    assert store.write_sync(workflow_frames.send, "e1", 1, operation("o1", attempt), at(7)) is allowed
    if allowed:
        row = stored(store)
        assert (row.state, row.attempt, row.graph_id, row.sent_at) == (O.SENT, attempt, "g1", at(7))
        assert (row.result, row.failure, row.worker, row.started_at, row.ended_at) == (None,) * 5
        assert grant(store, "o1", attempt=attempt) == {"o1"}


def test_a_new_owner_sends_again_what_was_never_granted(store: Store) -> None:
    start(store)
    send(store, "o1")
    run(store, "o2")
    take_over(store)
    assert not store.write_sync(workflow_frames.send, "e1", 1, operation("o1"), NOW)
    assert store.write_sync(workflow_frames.send, "e1", 2, operation("o1"), NOW)
    assert not store.write_sync(workflow_frames.send, "e1", 2, operation("o2", 2), NOW)
    assert not store.write_sync(workflow_frames.send, "e1", 2, operation("o1"), NOW)


def test_another_executions_operation_is_not_touched(store: Store) -> None:
    start(store)
    start(store, "e2", "d2")
    send(store, "o1")
    assert not store.write_sync(workflow_frames.send, "e2", 1, operation("o1", 2), NOW)
    assert not store.write_sync(workflow_frames.set_task, "e2", 1, "o1", O.FAILED, None, NOW)
    assert stored(store).execution_id == "e1"


def test_the_end_stores_runtime_properties(store: Store) -> None:
    deploy(store)
    start(store)
    run(store, "o1")
    updates = [
        {"id": "n1_b", "version": 1, "runtime_properties": {"b": 1}},
        {"id": "n1_a", "version": 1, "runtime_properties": {"a": 1}},
    ]
    assert not end(store, updates=updates).conflict
    rows = {row.id: row for row in store.read_sync(instances.node_instances, TENANT, "d1")}
    assert (rows["n1_a"].version, rows["n1_a"].runtime_properties) == (2, {"a": 1})
    assert (rows["n1_b"].version, rows["n1_b"].runtime_properties) == (2, {"b": 1})


@pytest.mark.parametrize("second", ["n1_b", "gone", "of another deployment"])
def test_outdated_runtime_properties_fail_the_operation(store: Store, second: str) -> None:
    deploy(store)
    start(store)
    run(store, "o1")
    if second == "of another deployment":
        start(store, "e2", "d2")
    store.write_sync(instances.update_instance, TENANT, "n1_b", runtime_properties={"x": 1}, now=NOW)
    updates = [
        {"id": "n1_a", "version": 1, "runtime_properties": {"a": 1}},
        {"id": second, "version": 1, "runtime_properties": {"b": 1}},
    ]
    result = end(store, result="done", updates=updates)
    assert (result.applied, result.conflict) == (True, True)
    row = stored(store)
    assert (row.state, row.result) == (O.FAILED, None)
    assert row.failure is not None
    assert row.failure["recoverable"] is True
    assert second in row.failure["message"]
    assert event_types(store)[-1] == "task_failed"
    rows = {row.id: row for row in store.read_sync(instances.node_instances, TENANT, "d1")}
    assert (rows["n1_a"].version, rows["n1_a"].runtime_properties) == (1, {})
    assert rows["n1_b"].runtime_properties == {"x": 1}
    assert not end(store, updates=updates).applied


def test_a_repeated_end_does_not_store_its_updates_again(store: Store) -> None:
    deploy(store)
    start(store)
    run(store, "o1")
    assert end(store).applied
    end(store, updates=[{"id": "n1_a", "version": 1, "runtime_properties": {"late": 1}}])
    assert store.read_sync(instances.get_instance, TENANT, "n1_a").runtime_properties == {}


def test_results_after_the_end_are_kept(store: Store) -> None:
    deploy(store)
    start(store)
    run(store, "o1")
    store.write_sync(ending.finish, "e1", 1, Outcome.CANCELLED, now=NOW)
    assert store.read_sync(residual, "e1") == ["o1"]
    result = end(store, result="late", updates=[{"id": "n1_a", "version": 1, "runtime_properties": {"a": 1}}])
    assert (result.applied, result.execution_status) == (True, S.CANCELLED)
    assert stored(store).result == "late"
    assert store.read_sync(instances.get_instance, TENANT, "n1_a").runtime_properties == {"a": 1}
    assert store.read_sync(residual, "e1") == []
    assert event_types(store)[-2:] == ["workflow_cancelled", "task_succeeded"]


def test_residual_is_only_what_outlives_its_execution(store: Store) -> None:
    start(store)
    run(store, "o1")
    assert store.read_sync(residual, "e1") == []


def test_lose(store: Store) -> None:
    start(store)
    run(store, "o1", "o2")
    send(store, "o3")
    end(store, "o2")
    lost = store.write_sync(operations.lose, ["o3", "o2", "o1", "nope"], "the worker is gone", at(8))
    assert [row.id for row in lost] == ["o1"]
    assert (lost[0].state, lost[0].ended_at) == (O.FAILED, at(8))
    assert lost[0] == stored(store)
    assert lost[0].failure is not None
    assert (lost[0].failure["kind"], lost[0].failure["recoverable"]) == ("Lost", True)
    assert stored(store, "o3").state is O.SENT
    assert happened(store)[-1].message.endswith("failed: the worker is gone")
    assert store.write_sync(operations.lose, ["o1"], "again", NOW) == []
    assert store.write_sync(operations.lose, [], "none", NOW) == []
    assert store.write_sync(workflow_frames.send, "e1", 1, operation("o1", 2), NOW)


def test_graphs_come_back_as_they_were_stored(store: Store) -> None:
    start(store)
    first = [task(f"t{place}", depends_on=(f"t{place - 1}",)) for place in range(20)]
    store.write_sync(workflow_frames.store_graph, "e1", 1, "g1", "install", first, NOW)
    store.write_sync(workflow_frames.store_graph, "e1", 1, "g2", "second", [], at(1))
    store.write_sync(workflow_frames.add_tasks, "e1", 1, "g1", [task("added", "local")], at(2))
    send(store, "of no graph")
    graphs = store.read_sync(operations.graphs, "e1")
    assert [(graph.id, graph.name) for graph, _ in graphs] == [("g1", "install"), ("g2", "second")]
    rows = graphs[0][1]
    assert [row.id for row in rows] == [*(f"t{place}" for place in range(20)), "added"]
    assert (rows[3].depends_on, rows[3].state, rows[3].attempt) == (["t2"], O.PENDING, 0)
    assert (rows[3].instance_id, rows[-1].instance_id) == ("n1_a", None)
    assert rows[-1].parameters == {"message": "hello"}
    assert store.read_sync(operations.count_by_state, "e1") == {O.PENDING: 21, O.SENT: 1}
    assert store.read_sync(operations.graphs, "nope") == []


def test_tasks_of_the_workflows_own_process(store: Store) -> None:
    start(store)
    tasks = [task("local", "local"), task("noop"), task("sent"), task("over")]
    store.write_sync(workflow_frames.store_graph, "e1", 1, "g1", "graph", tasks, NOW)
    run(store, "over")
    end(store, "over")
    send(store, "sent")

    def set_task(id: str, state: O, result: Any = None) -> bool:
        return store.write_sync(workflow_frames.set_task, "e1", 1, id, state, result, at(3))

    assert set_task("local", O.STARTED)
    assert stored(store, "local").started_at == at(3)
    assert not stored(store, "local").running
    assert set_task("local", O.SUCCEEDED, {"x": 1})
    assert (stored(store, "local").result, stored(store, "local").ended_at) == ({"x": 1}, at(3))
    # An operation that needs no worker is over without one, but nobody can start it, or end it for its
    # worker.
    assert not set_task("noop", O.STARTED)
    assert not set_task("noop", O.SENT)
    assert set_task("noop", O.SUCCEEDED)
    assert not set_task("sent", O.FAILED)
    assert not set_task("over", O.PENDING)
    assert not set_task("nope", O.FAILED)


def test_a_journal_applies_a_frame(store: Store) -> None:
    deploy(store)
    start(store)
    frame: list[list[Any]] = [
        ["event", {"event_type": "workflow_stage", "message": "begins", "details": {"a": 1}}],
        ["graph", "g1", "install", [task("o1"), task("o2"), task("local", "local")]],
        ["tasks", "g1", [task("o3")]],
        ["log", {"level": "info", "message": "a \0 line", "logger": "mine", "node_instance_id": "n1_a"}],
        ["state", "n1_a", "creating"],
        ["state", "n1_a", "created"],
        ["state", "gone", "created"],
        ["run", operation("o1", graph_id="g1")],
        ["run", operation("o2", graph_id="g1")],
        ["task", "local", "succeeded", [1, 2]],
    ]
    result = store.write_sync(journal.apply, "e1", 1, frame, at(1))
    assert result == JournalResult([frame[7][1], frame[8][1]], [])
    states = store.read_sync(operations.count_by_state, "e1")
    assert states == {O.SENT: 2, O.SUCCEEDED: 1, O.PENDING: 1}
    assert store.read_sync(instances.get_instance, TENANT, "n1_a").state == "created"
    told = happened(store)
    assert [(row.kind, row.message) for row in told] == [
        ("cloudify_event", "begins"),
        ("cloudify_log", "a \N{REPLACEMENT CHARACTER} line"),
    ]
    assert (told[0].event_type, told[0].details) == ("workflow_stage", {"a": 1})
    assert (told[1].level, told[1].logger, told[1].node_instance_id) == ("info", "mine", "n1_a")
    assert told[1].node_name == "n1"
    assert store.write_sync(journal.apply, "e1", 1, [], NOW) == JournalResult([], [])


def test_a_journal_cannot_report_what_only_the_engine_says(store: Store) -> None:
    start(store)
    before = event_types(store)
    frame = [["event", {"event_type": "execution_cancel_requested", "message": "admin asked to kill"}]]
    store.write_sync(journal.apply, "e1", 1, frame, NOW)
    assert event_types(store) == [*before, "reported_execution_cancel_requested"]


def test_a_journal_may_reset_a_task_and_run_it(store: Store) -> None:
    start(store)
    run(store, "o1")
    end(store, state=O.FAILED)
    frame: list[list[Any]] = [["task", "o1", "pending", None], ["run", operation("o1", 1)]]
    assert store.write_sync(journal.apply, "e1", 1, frame, NOW).refused == []


@pytest.mark.parametrize("aware", [True, False])
@pytest.mark.parametrize("mode", list(CancelMode))
def test_a_journal_while_cancelling(store: Store, mode: CancelMode, aware: bool) -> None:
    start(store)
    send(store, "o1")
    cancel(store, mode)
    frame = [
        ["run", operation("o2")],
        ["run", operation("o1")],
        ["event", {"event_type": "x", "message": "says so"}],
    ]
    result = store.write_sync(journal.apply, "e1", 1, frame, NOW, aware=aware)
    if mode is CancelMode.CANCEL and aware:
        assert [item["id"] for item in result.sent] == ["o2", "o1"]
        assert result.refused == []
    else:
        assert (result.sent, result.refused) == ([], ["o2", "o1"])
    assert happened(store)[-1].message == "says so"


def test_an_earlier_owner_stores_nothing(store: Store) -> None:
    start(store)
    take_over(store)
    calls: list[tuple[Any, ...]] = [
        (journal.apply, "e1", 1, [["event", {"event_type": "x", "message": "late"}]], NOW),
        (workflow_frames.store_graph, "e1", 1, "g1", "graph", [], NOW),
        (workflow_frames.add_tasks, "e1", 1, "g1", [task("o1")], NOW),
        (workflow_frames.set_task, "e1", 1, "o1", O.FAILED, None, NOW),
        (journal.apply, "nope", 1, [], NOW),
    ]
    for call in calls:
        with pytest.raises(StaleTerm, match="Nothing was stored"):
            store.write_sync(*call)
    store.write_sync(ending.finish, "e1", 2, Outcome.TERMINATED, now=NOW)
    with pytest.raises(StaleTerm, match="`terminated`"):
        store.write_sync(journal.apply, "e1", 2, [], NOW)
    assert event_types(store) == ["workflow_succeeded"]


def test_a_journal_with_something_unknown_is_refused_as_a_whole(store: Store) -> None:
    start(store)
    frame: list[list[Any]] = [["run", operation("o1")], ["dance", 1]]
    with pytest.raises(InvalidInput, match="`dance`"):
        store.write_sync(journal.apply, "e1", 1, frame, NOW)
    assert store.read_sync(operations.count_by_state, "e1") == {}


def test_lists(store: Store) -> None:
    create(store, "none", "d0")
    start(store)
    start(store, "e2", "d2")
    run(store, "b", "a")
    send(store, "c", execution="e2")

    def ids(filter: OperationFilter, page: Page = EVERYTHING) -> tuple[list[str], int]:
        rows, total = store.read_sync(operations.listing(filter).read, Operation, page)
        return [row.id for row in rows], total

    assert ids(OperationFilter()) == (["a", "b", "c"], 3)
    assert ids(OperationFilter(execution_id="e1"), Page(size=1, sort=(("id", True),))) == (["b"], 2)
    assert ids(OperationFilter(states=[O.SENT])) == (["c"], 1)
    assert ids(OperationFilter(tenant="other")) == ([], 0)
    assert ids(OperationFilter(tenant=TENANT, kinds=["operation"]))[1] == 3
    with pytest.raises(NotFound, match="`nope`"):
        store.read_sync(operations.get, "nope")
