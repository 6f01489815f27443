"""Graphs run their tasks in order, all of them, each once."""

from __future__ import annotations

from typing import Any

import pytest
from fake_host import FakeHost, node
from graphs import NOTED, THING, Spec, number_of, specs
from hypothesis import given, settings

from cloudwright.workflow.graph import TaskDependencyGraph
from cloudwright.workflow.inline_tasks import NOPLocalWorkflowTask
from cloudwright.workflow.tasks import forkjoin


@settings(max_examples=60, deadline=None)
@given(spec=specs(("operation", "operation", "event", "state", "local")))
def test_every_task_runs_once_and_after_what_it_depends_on(spec: Spec) -> None:
    NOTED.clear()
    order: list[int] = []
    done: set[int] = set()

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        number = number_of(operation)
        assert {item for item in spec.before(number) if spec.kinds[item] == "operation"} <= done
        order.append(number)
        done.add(number)
        host.succeed(operation)

    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        spec.build(ctx, graph)
        graph.execute()
        assert graph.tasks == []

    host = FakeHost(THING, behaviour=behaviour)
    end = host.run(workflow)
    assert end == {"outcome": "terminated", "result": None, "error": None}
    by_kind = {
        kind: [number for number, its in enumerate(spec.kinds) if its == kind]
        for kind in {*spec.kinds, "local"}
    }
    assert sorted(order) == by_kind.get("operation", [])
    assert sorted(NOTED) == by_kind["local"]
    events = [event["message"] for event in host.books.events if event["event_type"] == "workflow_node_event"]
    assert sorted(events) == sorted(f"event {number}" for number in by_kind.get("event", []))


def test_what_becomes_ready_at_one_moment_travels_in_one_frame() -> None:
    frames: list[int] = []

    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        for instance in ctx.node_instances:
            graph.sequence().add(
                instance.send_event("one"), instance.execute_operation("do.it"), instance.set_state("up")
            )
        graph.execute()

    class Counting(FakeHost):
        def _take(self, frame: dict[str, Any]) -> None:
            if frame["type"] == "journal":
                frames.append(len(frame["entries"]))
            super()._take(frame)

    held: list[dict[str, Any]] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        held.append(operation)
        if len(held) == 20:
            for item in held:
                host.start(item)
            for item in held:
                host.finish(item)

    host = Counting([node("thing", ["do.it"], instances=20)], behaviour=behaviour)
    assert host.outcome(workflow) == "terminated"
    assert frames[0] == 40  # twenty events, and twenty operations to run
    assert len(host.books.states) == 20


def test_a_sequence_takes_tasks_forkjoins_lists_and_subgraphs() -> None:
    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        (instance,) = ctx.node_instances
        do = [instance.execute_operation("do.it", kwargs={"number": number}) for number in range(7)]
        inner = graph.subgraph("inner")
        inner.sequence().add(do[4], do[5])
        graph.sequence().add(do[0], forkjoin(do[1], do[2]), [do[3], inner], forkjoin(), do[6])
        graph.execute()

    seen: list[int] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        seen.append(number_of(operation))
        host.succeed(operation)

    assert FakeHost(THING, behaviour=behaviour).outcome(workflow) == "terminated"
    assert seen in ([0, 1, 2, 3, 4, 5, 6], [0, 2, 1, 3, 4, 5, 6])


def test_a_task_that_is_taken_out_does_not_run_and_nothing_waits_for_it() -> None:
    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        (instance,) = ctx.node_instances
        first, second, third = (
            instance.execute_operation("do.it", kwargs={"number": number}) for number in range(3)
        )
        graph.sequence().add(first, second, third)
        subgraph = graph.subgraph("whole")
        subgraph.add_task(instance.execute_operation("do.it", kwargs={"number": 9}))
        graph.remove_task(second)
        graph.remove_task(subgraph)
        assert graph.tasks == [first, third]
        assert graph.has_task(first)
        assert not graph.has_task(second)
        assert graph.get_task(third.id) is third
        graph.execute()

    host = FakeHost(THING)
    assert host.outcome(workflow) == "terminated"
    assert sorted(number_of(item) for item in host.books.sent) == [0, 2]


def test_what_does_nothing_is_taken_out_and_the_order_stays() -> None:
    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        (instance,) = ctx.node_instances
        first, last = (instance.execute_operation("do.it", kwargs={"number": number}) for number in (1, 2))
        nothing, empty = NOPLocalWorkflowTask(ctx), graph.subgraph("empty")
        empty.add_task(NOPLocalWorkflowTask(ctx))
        for task in (last, nothing, first):
            graph.add_task(task)
        for after, before in ((last, empty), (empty, nothing), (nothing, first)):
            graph.add_dependency(after, before)
        ordered = graph.linearize()
        assert len(ordered) == 5
        assert ordered.index(first) < ordered.index(nothing) < ordered.index(last)
        graph.optimize()
        assert graph.linearize() == [first, last]
        graph.execute()

    host = FakeHost(THING)
    assert host.outcome(workflow) == "terminated"
    assert [number_of(item) for item in host.books.sent] == [1, 2]


def test_tasks_that_handlers_add_run_too() -> None:
    def workflow(ctx: Any) -> None:
        from cloudwright.workflow.tasks import HandlerResult

        graph = ctx.graph_mode()
        (instance,) = ctx.node_instances

        def add_another(task: Any) -> HandlerResult:
            graph.add_task(instance.execute_operation("do.it", kwargs={"number": 2}))
            return HandlerResult.cont()

        first = instance.execute_operation("do.it", kwargs={"number": 1})
        first.on_success = add_another
        graph.add_task(first)
        graph.execute()

    host = FakeHost(THING)
    assert host.outcome(workflow) == "terminated"
    assert [number_of(item) for item in host.books.sent] == [1, 2]


def test_a_handler_may_take_the_rest_of_its_subgraph_out() -> None:
    def workflow(ctx: Any) -> None:
        from cloudwright.workflow.tasks import HandlerResult

        graph = ctx.graph_mode()
        (instance,) = ctx.node_instances
        do = [instance.execute_operation("do.it", kwargs={"number": number}) for number in range(4)]
        subgraph = graph.subgraph("some")
        subgraph.sequence().add(*do[:3])
        graph.sequence().add(subgraph, do[3])

        def enough(task: Any) -> HandlerResult:
            for rest in (do[1], do[2]):
                graph.remove_task(rest)
            return HandlerResult.cont()

        do[0].on_success = enough
        graph.execute()

    host = FakeHost(THING)
    assert host.outcome(workflow) == "terminated"
    assert [number_of(item) for item in host.books.sent] == [0, 3]


def test_what_cannot_be_ordered_is_refused() -> None:
    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        (instance,) = ctx.node_instances
        one, two = instance.execute_operation("do.it"), instance.execute_operation("do.it")
        graph.add_task(one)
        with pytest.raises(RuntimeError, match="is not in the graph"):
            graph.add_dependency(one, two)
        graph.add_dependency(one, one)
        subgraph, other = graph.subgraph("a"), graph.subgraph("b")
        subgraph.add_task(two)
        with pytest.raises(RuntimeError, match="one subgraph only"):
            other.add_task(two)
        graph.add_dependency(one, two)
        graph.add_dependency(two, one)
        graph.execute()

    end = FakeHost(THING).run(workflow)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "wait for each other" in end["error"]["message"]


def test_graph_mode_is_refused_once_tasks_were_begun_and_gives_a_new_graph_after_a_failed_one() -> None:
    def workflow(ctx: Any) -> str:
        (instance,) = ctx.node_instances
        graph = ctx.graph_mode()
        assert ctx.graph_mode() is graph
        graph.add_task(instance.execute_operation("do.it", kwargs={"number": 1}))
        with pytest.raises(RuntimeError, match="graph mode"):
            ctx.graph_mode()
        with pytest.raises(RuntimeError, match="do"):
            graph.execute()
        again = ctx.graph_mode()
        again.add_task(instance.execute_operation("do.it", kwargs={"number": 2}))
        again.execute()
        own = TaskDependencyGraph(ctx)
        own.add_task(instance.execute_operation("do.it", kwargs={"number": 3}))
        own.execute()
        return "done"

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if number_of(operation) == 1:
            host.fail(operation, recoverable=False)
        else:
            host.succeed(operation)

    host = FakeHost(THING, behaviour=behaviour)
    assert host.end(workflow)["result"] == "done"
    assert [number_of(item) for item in host.books.sent] == [1, 2, 3]


def test_a_dry_run_names_operations_and_changes_nothing() -> None:
    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        (instance,) = ctx.node_instances
        graph.sequence().add(
            instance.set_state("up"), instance.execute_operation("do.it"), instance.set_state("down", "Down")
        )
        graph.execute()

    workflow.resumable = True  # type: ignore[attr-defined]
    host = FakeHost(THING)
    host.begin["execution"] = host.begin["execution"] | {"dry_run": True}
    assert host.outcome(workflow) == "terminated"
    assert host.books.sent == []
    assert host.books.states == {}
    assert host.books.graphs == []
    assert host.books.said() == ["`lab.it` started (dry run)", "`lab.it` succeeded (dry run)", "Down"]
