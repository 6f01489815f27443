"""Retries, handlers, and what becomes of a graph whose tasks fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_host import FakeHost, node
from graphs import THING, number_of

from cloudwright.child.errors import NonRecoverableError, OperationRetry, RecoverableError
from cloudwright.workflow.tasks import HandlerResult

Outcome = Callable[[FakeHost, dict[str, Any]], None]


def failing(times: int, **failure: Any) -> Outcome:
    """Operation 1 fails so many times; everything else succeeds."""
    tries: list[int] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if number_of(operation) == 1 and len(tries) < times:
            tries.append(operation["attempt"])
            host.fail(operation, **failure)
        else:
            host.succeed(operation, result=f"result {number_of(operation)}")

    return behaviour


def sequence(ctx: Any, *handlers: dict[str, Any]) -> Any:
    """A graph of operations 1, 2, ... one after the other, with these handlers."""
    graph = ctx.graph_mode()
    instance = next(ctx.node_instances)
    tasks = []
    for number, given in enumerate(handlers, 1):
        task = instance.execute_operation("do.it", kwargs={"number": number})
        for key, value in given.items():
            setattr(task, key, value)
        tasks.append(task)
    graph.sequence().add(*tasks)
    return graph


def test_a_failed_operation_is_tried_again_after_its_interval_with_the_next_attempt() -> None:
    def workflow(ctx: Any) -> None:
        sequence(ctx, {}, {}).execute()

    host = FakeHost(THING, behaviour=failing(3))
    assert host.outcome(workflow) == "terminated"
    tried = [(number_of(item), item["attempt"], item["retry_number"]) for item in host.books.sent]
    assert tried == [(1, 1, 0), (1, 2, 1), (1, 3, 2), (1, 4, 3), (2, 1, 0)]
    assert len({item["id"] for item in host.books.sent}) == 2
    assert host.clock.now == 1003.0
    assert "`do.it` of `thing_1` (lab.it) will be tried again in 1 s (retry 1 of 3)" in host.books.said()


@pytest.mark.parametrize(
    ("failure", "tries", "waited"),
    [
        ({}, 4, 3.0),
        ({"recoverable": False, "kind": "NonRecoverableError"}, 1, 0.0),
        ({"retry_after": 7.5, "kind": "RecoverableError"}, 4, 22.5),
        ({"retry_after": 0, "kind": "OperationRetry"}, 4, 0.0),
    ],
)
def test_an_operation_that_goes_on_failing_fails_the_workflow(
    failure: dict[str, Any], tries: int, waited: float
) -> None:
    def workflow(ctx: Any) -> None:
        sequence(ctx, {}, {}).execute()

    host = FakeHost(THING, behaviour=failing(99, **failure))
    end = host.run(workflow)
    assert end is not None
    assert end["outcome"] == "failed"
    assert end["error"]["kind"] == "WorkflowFailed"
    assert "`do.it` of `thing_1` (lab.it) failed" in end["error"]["message"]
    assert "it broke" in end["error"]["message"]
    assert [number_of(item) for item in host.books.sent] == [1] * tries
    assert host.clock.now == 1000 + waited


def test_the_traceback_of_a_failed_operation_is_the_workflow_s() -> None:
    def workflow(ctx: Any) -> None:
        sequence(ctx, {}).execute()

    host = FakeHost(
        THING, behaviour=failing(1, recoverable=False, traceback="Traceback: line 7 of the plugin")
    )
    error = host.end(workflow)["error"]
    assert error["traceback"] == "Traceback: line 7 of the plugin"


def test_retries_without_end_go_on_as_long_as_it_takes() -> None:
    def workflow(ctx: Any) -> None:
        sequence(ctx, {"total_retries": -1}).execute()

    host = FakeHost(THING, behaviour=failing(40))
    assert host.outcome(workflow) == "terminated"
    assert len(host.books.sent) == 41


@pytest.mark.parametrize(
    ("verdict", "tries", "outcome"),
    [
        (HandlerResult.fail(), 1, "failed"),
        (HandlerResult.ignore(), 1, "terminated"),
        (HandlerResult.cont(), 1, "terminated"),
        (HandlerResult.retry(retry_after=5), 4, "failed"),
        (HandlerResult.retry(ignore_total_retries=True), 7, "terminated"),
    ],
)
def test_the_handler_of_a_failure_decides(verdict: HandlerResult, tries: int, outcome: str) -> None:
    seen: list[Any] = []

    def decide(task: Any) -> HandlerResult:
        seen.append((task.get_state(), str(task.async_result.result), task.failure.kind))
        return verdict

    def workflow(ctx: Any) -> None:
        sequence(ctx, {"on_failure": decide}, {}).execute()

    host = FakeHost(THING, behaviour=failing(6))
    end = host.run(workflow)
    assert end is not None
    assert end["outcome"] == outcome
    assert [number_of(item) for item in host.books.sent].count(1) == tries
    assert ([2] if outcome == "terminated" else []) == [
        number_of(item) for item in host.books.sent if number_of(item) == 2
    ]
    assert set(seen) == {("failed", "it broke", "ValueError")}


def test_an_operation_that_asks_to_be_retried_is_no_matter_for_the_handler() -> None:
    def workflow(ctx: Any) -> None:
        sequence(ctx, {"on_failure": lambda task: pytest.fail("asked")}).execute()

    host = FakeHost(THING, behaviour=failing(2, kind="OperationRetry", retry_after=3))
    assert host.outcome(workflow) == "terminated"
    assert host.clock.now == 1006.0


def test_a_handler_of_success_may_have_the_operation_run_again_as_another_one() -> None:
    answers: list[str] = []

    def until_third(task: Any) -> HandlerResult:
        answers.append(task.async_result.get())
        if len(answers) < 3:
            return HandlerResult.retry(ignore_total_retries=True)
        return HandlerResult.cont()

    def workflow(ctx: Any) -> None:
        sequence(ctx, {"on_success": until_third, "total_retries": 0}, {}).execute()

    host = FakeHost(THING, behaviour=failing(0))
    assert host.outcome(workflow) == "terminated"
    assert answers == ["result 1"] * 3
    # What succeeded stays so: each is an operation of its own.
    assert [(number_of(item), item["attempt"]) for item in host.books.sent] == [
        (1, 1),
        (1, 1),
        (1, 1),
        (2, 1),
    ]
    assert len({item["id"] for item in host.books.sent}) == 4
    assert host.clock.now == 1002.0


def test_a_handler_may_fail_what_succeeded() -> None:
    def workflow(ctx: Any) -> None:
        sequence(ctx, {"on_success": lambda task: HandlerResult.fail()}, {}).execute()

    host = FakeHost(THING, behaviour=failing(0))
    end = host.run(workflow)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "its handler let it fail" in end["error"]["message"]
    assert len(host.books.sent) == 1


@pytest.mark.parametrize("verdict", [HandlerResult.ignore(), HandlerResult.cont()])
def test_what_succeeded_stays_so_whatever_its_handler_calls_it(verdict: HandlerResult) -> None:
    def workflow(ctx: Any) -> None:
        graph = sequence(ctx, {"on_success": lambda task: verdict})
        graph.add_task(ctx.local_task(lambda: 3))
        for task in graph.tasks:
            task.on_success = lambda task: verdict
        graph.execute()

    workflow.resumable = True  # type: ignore[attr-defined]
    host = FakeHost(THING, behaviour=failing(0))
    assert host.outcome(workflow) == "terminated"
    assert [task["state"] for task in host.books.tasks.values()] == ["succeeded", "succeeded"]


def test_a_handler_that_answers_nothing_is_named() -> None:
    def workflow(ctx: Any) -> None:
        sequence(ctx, {"on_success": lambda task: None}).execute()

    end = FakeHost(THING, behaviour=failing(0)).run(workflow)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "must return a HandlerResult" in end["error"]["message"]


def test_a_handler_that_raises_fails_the_workflow_with_its_traceback() -> None:
    def broken(task: Any) -> HandlerResult:
        raise ValueError("the handler is broken")

    def workflow(ctx: Any) -> None:
        sequence(ctx, {"on_failure": broken}).execute()

    end = FakeHost(THING, behaviour=failing(9)).run(workflow)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "the handler is broken" in end["error"]["message"]
    assert "in broken" in end["error"]["traceback"]
    assert "engine.py" not in end["error"]["traceback"]


def test_a_revoked_operation_fails_the_workflow() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.revoke(operation)

    def workflow(ctx: Any) -> None:
        sequence(ctx, {}).execute()

    host = FakeHost(THING, behaviour=behaviour)
    end = host.run(workflow)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "revoked" in end["error"]["message"]
    # So long it was waited for the request that it could have been revoked for.
    assert host.clock.now == 1010.0


# After a failure.


def two_branches(ctx: Any) -> Any:
    """1 fails; 2 runs beside it, then an event, a state, and 3."""
    graph = ctx.graph_mode()
    (instance,) = ctx.node_instances
    do = [instance.execute_operation("do.it", kwargs={"number": number}) for number in (1, 2, 3)]
    graph.add_task(do[0])
    graph.sequence().add(do[1], instance.set_state("half", "Half-way"), do[2])
    return graph


def test_after_a_failure_what_runs_is_waited_for_and_nothing_else_begins() -> None:
    running: list[dict[str, Any]] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if number_of(operation) == 1:
            host.fail(operation, recoverable=False)
            for item in running:
                host.finish(item)
        else:
            host.start(operation)
            running.append(operation)

    def workflow(ctx: Any) -> None:
        graph = two_branches(ctx)
        # 1 is answered last.
        graph.executor.ready.rotate(-1)
        graph.execute()

    host = FakeHost(THING, behaviour=behaviour)
    end = host.run(workflow)
    assert end is not None
    assert end["outcome"] == "failed"
    assert sorted(number_of(item) for item in host.books.sent) == [1, 2]
    # What 2 came to is said all the same, so that the state is true.
    assert host.books.states == {"thing_1": "half"}


def test_what_runs_is_waited_for_only_so_long() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if number_of(operation) == 1:
            host.fail(operation, recoverable=False)
        else:
            host.start(operation)

    def workflow(ctx: Any) -> None:
        assert ctx.wait_after_fail == 30
        graph = two_branches(ctx)
        graph.executor.ready.rotate(-1)
        graph.execute()

    policy = {"task_retries": 0, "task_retry_interval": 1, "subgraph_retries": 0, "wait_after_fail": 30}
    host = FakeHost(THING, behaviour=behaviour, policy=policy)
    assert host.outcome(workflow) == "failed"
    states = {number_of(task["parameters"]): task["state"] for task in host.books.tasks.values()}
    assert states == {1: "failed", 2: "started"}
    assert host.clock.now == 1030.0


def test_all_failures_are_told() -> None:
    held: list[dict[str, Any]] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        held.append(operation)
        if len(held) == 2:
            for item in held:
                host.fail(item, message=f"reason {number_of(item)}", recoverable=number_of(item) == 2)

    def workflow(ctx: Any) -> None:
        two_branches(ctx).execute()

    message = FakeHost(THING, behaviour=behaviour).end(workflow)["error"]["message"]
    assert message.startswith("2 tasks failed:")
    assert "reason 1" in message
    # It could have been retried, but not beside a graph that has failed.
    assert "reason 2" in message


# Local tasks.


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (ValueError("no"), 3),
        (NonRecoverableError("no"), 1),
        (RecoverableError("no", retry_after=2), 3),
        (SystemExit(3), 1),
    ],
)
def test_a_function_that_goes_on_raising_fails_the_workflow(error: BaseException, tries: int) -> None:
    calls: list[int] = []

    def local() -> None:
        calls.append(1)
        raise error

    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        graph.add_task(ctx.local_task(local))
        graph.execute()

    host = FakeHost(THING)
    end = host.run(workflow)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "`local` failed" in end["error"]["message"]
    assert len(calls) == tries
    assert [event["event_type"] for event in host.books.events].count("task_failed") == tries


def test_a_function_may_ask_to_be_called_again() -> None:
    calls: list[int] = []

    def local() -> int:
        calls.append(1)
        if len(calls) < 3:
            raise OperationRetry("once more", retry_after=4)
        return len(calls)

    def workflow(ctx: Any) -> Any:
        return ctx.local_task(local).get()

    host = FakeHost(THING)
    assert host.end(workflow)["result"] == 3
    assert host.clock.now == 1008.0


# Subgraphs.


def test_a_subgraph_fails_with_its_task_and_none_of_its_others_begin() -> None:
    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        (instance,) = ctx.node_instances
        subgraph = graph.subgraph("both")
        subgraph.sequence().add(
            instance.execute_operation("do.it", kwargs={"number": 1}),
            instance.execute_operation("do.it", kwargs={"number": 2}),
        )
        after = instance.execute_operation("do.it", kwargs={"number": 3})
        graph.add_task(after)
        graph.add_dependency(after, subgraph)
        graph.execute()

    host = FakeHost(THING, behaviour=failing(9, recoverable=False))
    end = host.run(workflow)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "`do.it` of `thing_1`" in end["error"]["message"]
    assert [number_of(item) for item in host.books.sent] == [1]


def retrying(ctx: Any, graph: Any, numbers: list[int], left: list[int]) -> Any:
    """A subgraph of operations side by side; when it fails, ``left`` numbers take their place."""
    (instance,) = ctx.node_instances
    subgraph = graph.subgraph(f"subgraph {numbers}")
    for number in numbers:
        subgraph.add_task(instance.execute_operation("do.it", kwargs={"number": number}))

    def again(failed: Any) -> HandlerResult:
        result = HandlerResult.retry()
        result.retried_task = retrying(ctx, failed.graph, left, left)
        return result

    subgraph.on_failure = again
    return subgraph


@pytest.mark.parametrize(
    ("retries", "outcome", "sent"), [(1, "terminated", [1, 5, 6, 7]), (0, "failed", [1, 5])]
)
def test_a_subgraph_is_retried_by_another_in_its_place(retries: int, outcome: str, sent: list[int]) -> None:
    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        subgraph = retrying(ctx, graph, [1, 5], [6])
        after = next(ctx.node_instances).execute_operation("do.it", kwargs={"number": 7})
        graph.add_task(after)
        graph.add_dependency(after, subgraph)
        graph.execute()

    policy = {
        "task_retries": 0,
        "task_retry_interval": 1,
        "subgraph_retries": retries,
        "wait_after_fail": 600,
    }
    host = FakeHost(THING, behaviour=failing(9, recoverable=False), policy=policy)
    assert host.outcome(workflow) == outcome
    assert [number_of(item) for item in host.books.sent] == sent


def test_a_subgraph_is_retried_only_when_what_runs_of_it_has_ended() -> None:
    held: list[dict[str, Any]] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        number = number_of(operation)
        if number == 5:
            host.start(operation)
            held.append(operation)
        elif number == 1:
            host.fail(operation, recoverable=False)
            # Answered when the workflow knows of the failure and has nothing to do but to wait.
            host.answers["ping"] = lambda: host.finish(held.pop()) if held else None
        else:
            host.succeed(operation)

    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        retrying(ctx, graph, [5, 1], [6])
        graph.execute()

    policy = {"task_retries": 0, "task_retry_interval": 1, "subgraph_retries": 1, "wait_after_fail": 600}
    host = FakeHost(THING, behaviour=behaviour, policy=policy)
    assert host.outcome(workflow) == "terminated"
    assert [number_of(item) for item in host.books.sent] == [5, 1, 6]


def test_a_subgraph_whose_operation_never_ends_is_given_up_on_after_a_while() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        number = number_of(operation)
        if number == 5:
            host.start(operation)
        elif number == 1:
            host.fail(operation, recoverable=False)
        else:
            host.succeed(operation)

    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        retrying(ctx, graph, [5, 1], [6])
        graph.execute()

    policy = {"task_retries": 0, "task_retry_interval": 1, "subgraph_retries": 1, "wait_after_fail": 30}
    host = FakeHost(THING, behaviour=behaviour, policy=policy)
    assert host.outcome(workflow) == "terminated"
    assert [number_of(item) for item in host.books.sent] == [5, 1, 6]


@pytest.mark.parametrize("depth", [1, 3])
def test_a_failure_goes_up_through_nested_subgraphs_and_can_be_ignored_there(depth: int) -> None:
    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        (instance,) = ctx.node_instances
        outermost = around = graph.subgraph("outermost")
        for level in range(depth):
            around = around.subgraph(f"level {level}")
        around.sequence().add(
            instance.execute_operation("do.it", kwargs={"number": 1}),
            instance.execute_operation("do.it", kwargs={"number": 2}),
        )
        seen: list[Any] = []

        def ignore(subgraph: Any) -> HandlerResult:
            seen.append(subgraph.root_failure())
            return HandlerResult.ignore()

        outermost.on_failure = ignore
        after = instance.execute_operation("do.it", kwargs={"number": 3})
        graph.add_task(after)
        graph.add_dependency(after, outermost)
        graph.execute()
        assert [number_of(task.operation) for task in seen] == [1]
        assert graph.tasks == []

    host = FakeHost(THING, behaviour=failing(9, recoverable=False))
    assert host.outcome(workflow) == "terminated"
    assert [number_of(item) for item in host.books.sent] == [1, 3]


def test_what_waits_for_a_task_of_a_rebuilt_subgraph_waits_for_the_new_one() -> None:
    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        (instance,) = ctx.node_instances

        def build(numbers: list[int]) -> Any:
            subgraph = graph.subgraph(f"{numbers}")
            subgraph.sequence().add(
                *(instance.execute_operation("do.it", kwargs={"number": item}) for item in numbers)
            )
            return subgraph

        def rebuild(failed: Any) -> HandlerResult:
            result = HandlerResult.retry()
            result.retried_task = build([4, 5])
            return result

        first = build([1, 2])
        first.on_failure = rebuild
        after = instance.execute_operation("do.it", kwargs={"number": 3})
        graph.add_task(after)
        graph.add_dependency(after, list(first.tasks.values())[1])
        graph.execute()

    policy = {"task_retries": 0, "task_retry_interval": 1, "subgraph_retries": 1, "wait_after_fail": 600}
    host = FakeHost(THING, behaviour=failing(9, recoverable=False), policy=policy)
    assert host.outcome(workflow) == "terminated"
    assert [number_of(item) for item in host.books.sent] == [1, 4, 5, 3]


def test_a_subgraph_whose_handler_names_no_other_cannot_be_retried() -> None:
    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        subgraph = graph.subgraph("it")
        subgraph.add_task(next(ctx.node_instances).execute_operation("do.it", kwargs={"number": 1}))
        subgraph.on_failure = lambda task: HandlerResult.retry()
        graph.execute()

    policy = {"task_retries": 0, "task_retry_interval": 1, "subgraph_retries": 1, "wait_after_fail": 600}
    end = FakeHost(THING, behaviour=failing(9, recoverable=False), policy=policy).run(workflow)
    assert end is not None
    assert "retried by another subgraph" in end["error"]["message"]


def test_inputs_given_twice_are_refused_unless_they_may_be() -> None:
    nodes = [node("thing", {"do.it": {"inputs": {"number": 7, "other": 1}}})]

    def workflow(ctx: Any) -> None:
        (instance,) = ctx.node_instances
        with pytest.raises(RuntimeError, match="`number` in the blueprint already"):
            instance.execute_operation("do.it", kwargs={"number": 1})
        instance.execute_operation("do.it", kwargs={"number": 1}, allow_kwargs_override=True).get()
        instance.execute_operation("do.it").get()
        instance.execute_operation("not.there").get()

    host = FakeHost(nodes)
    assert host.outcome(workflow) == "terminated"
    assert [item["inputs"] for item in host.books.sent] == [
        {"number": 1, "other": 1},
        {"number": 7, "other": 1},
    ]
