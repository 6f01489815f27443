"""An execution that is resumed does what is left, and nothing twice, wherever it stopped."""

from __future__ import annotations

import functools
import random
from collections import Counter
from typing import Any

import pytest
from fake_host import FakeHost, node
from graphs import THING, Spec, number_of, specs
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudwright.workflow import graph_journal
from cloudwright.workflow.decorators import workflow
from cloudwright.workflow.graph_journal import make_or_get_graph
from cloudwright.workflow.tasks import HandlerResult


def ignore(task: Any) -> HandlerResult:
    return HandlerResult.ignore()


class Stubborn:
    """A handler with arguments: retries until the operation has run so often."""

    def __init__(self, runs: int) -> None:
        self._runs = runs

    def dump(self) -> dict[str, int]:
        return {"runs": self._runs}

    def __call__(self, task: Any) -> HandlerResult:
        if task.current_retries + 1 < self._runs:
            return HandlerResult.retry(ignore_total_retries=True)
        return HandlerResult.cont()


class World:
    """What operations do, across crashes: it survives every process."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.running: dict[str, dict[str, Any]] = {}
        self.succeeded: list[int] = []
        self.begun: Counter[str] = Counter()
        self.lost: set[str] = set()

    def finish(self, host: FakeHost, operation: dict[str, Any]) -> None:
        del self.running[operation["id"]]
        self.succeeded.append(number_of(operation))
        host.finish(operation, result=number_of(operation))


@settings(max_examples=120, deadline=None)
@given(
    spec=specs(("operation", "operation", "event", "state", "local")),
    named=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_whatever_stops_it_and_when_it_ends_with_everything_done_once(
    spec: Spec, named: bool, seed: int
) -> None:
    world = World(seed)
    chance = world.random.random

    @make_or_get_graph
    def build(ctx: Any) -> Any:
        graph = ctx.graph_mode()
        spec.build(ctx, graph)
        return graph

    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        if named:
            build(ctx, name="all").execute()
        else:
            graph = ctx.graph_mode()
            spec.build(ctx, graph)
            graph.execute()

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        number, id = number_of(operation), operation["id"]
        before = {item for item in spec.before(number) if spec.kinds[item] == "operation"}
        assert before <= set(world.succeeded), "it began before what it depends on had ended"
        assert id not in world.running, "a twin was started"
        assert number not in world.succeeded, "it ran again after it had succeeded"
        assert operation["resume"] is (id in world.lost)
        world.lost.discard(id)
        world.begun[id] += 1
        if chance() < 0.15:
            host.crash()  # before it is granted
            return
        if chance() < 0.2:
            host.fail(operation, recoverable=chance() < 0.8)
            return
        host.start(operation)
        world.running[id] = operation
        if chance() < 0.15:
            host.crash()
        elif chance() < 0.1:
            host.cancel()
        elif chance() < 0.7:
            world.finish(host, operation)
        for waiting in list(world.running.values()):
            if chance() < 0.5:
                world.finish(host, waiting)

    def idle(host: FakeHost) -> None:
        if world.running:
            world.finish(host, world.random.choice(list(world.running.values())))

    policy = {"task_retries": 5, "task_retry_interval": 1, "subgraph_retries": 0, "wait_after_fail": 1}
    host = FakeHost(THING, behaviour=behaviour, policy=policy)
    for _ in range(300):
        host.answers["ping"] = functools.partial(idle, host)
        end = host.run(run)
        if end is not None and end["outcome"] == "terminated":
            break
        # What ran goes on, ends unseen, or is lost with its worker.
        for id, operation in list(world.running.items()):
            if chance() < 0.3:
                del world.running[id]
                world.succeeded.append(number_of(operation))
                host.books.end(operation, "succeeded", number_of(operation), None)
            elif chance() < 0.3:
                del world.running[id]
                world.lost.add(id)
                failure = {"message": "lost", "recoverable": True, "kind": "Lost"}
                host.books.end(operation, "failed", None, failure)
        host = host.resumed(crash=end is None)
        if world.running and chance() < 0.5:
            # Reported before anybody has asked for its graph.
            host.early = [functools.partial(idle, host)]
    assert end is not None
    assert end["outcome"] == "terminated"
    assert sorted(world.succeeded) == [
        number for number, kind in enumerate(spec.kinds) if kind == "operation"
    ]
    assert not world.running
    assert host.books.logs == []
    assert {task["state"] for task in host.books.tasks.values()} == {"succeeded"}


# What else a graph may have been through.


def do(ctx: Any, number: int) -> Any:
    return next(ctx.node_instances).execute_operation("do.it", kwargs={"number": number})


def sent(host: FakeHost) -> list[int]:
    return [number_of(item) for item in host.books.sent]


@make_or_get_graph
def numbered(ctx: Any, numbers: list[int], **handlers: Any) -> Any:
    graph = ctx.graph_mode()
    tasks = [do(ctx, number) for number in numbers]
    for key, value in handlers.items():
        setattr(tasks[0], key, value)
    graph.sequence().add(*tasks)
    return graph


def crash_at(number: int) -> Any:
    """The manager dies when this operation has begun for the first time."""
    crashed: list[int] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if number_of(operation) == number and not crashed:
            crashed.append(1)
            host.start(operation)
            host.crash()
        else:
            host.succeed(operation, result=number_of(operation))

    return behaviour


def test_an_operation_that_runs_from_before_is_waited_for_and_its_result_counts() -> None:
    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        numbered(ctx, [1, 2, 3], name="n").execute()

    host = FakeHost(THING, behaviour=crash_at(2))
    assert host.run(run) is None
    running = next(item for item in host.books.sent if number_of(item) == 2)
    again = host.resumed(crash=True)
    again.answers["ping"] = lambda: (
        again.finish(running) if host.books.tasks[running["id"]]["state"] == "started" else None
    )
    assert again.outcome(run) == "terminated"
    assert sent(again) == [1, 2, 3]


def test_a_lost_operation_is_sent_again_as_one_that_was_interrupted() -> None:
    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        numbered(ctx, [1, 2], name="n").execute()

    host = FakeHost(THING, behaviour=crash_at(1))
    assert host.run(run) is None
    (lost,) = host.books.sent
    host.books.end(lost, "failed", None, {"message": "lost", "recoverable": True, "kind": "Lost"})
    again = host.resumed(crash=True)
    assert again.outcome(run) == "terminated"
    tried = [
        (number_of(item), item["attempt"], item["retry_number"], item["resume"]) for item in again.books.sent
    ]
    assert tried == [(1, 1, 0, False), (1, 2, 1, True), (2, 1, 0, False)]


def test_an_operation_that_is_lost_while_the_workflow_runs_is_retried_as_one_that_was_interrupted() -> None:
    tries: list[int] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        tries.append(1)
        if len(tries) == 1:
            host.fail(operation, kind="Lost")
        elif len(tries) == 2:
            host.fail(operation)
        else:
            host.succeed(operation)

    host = FakeHost(THING, behaviour=behaviour)
    assert host.outcome(lambda ctx: do(ctx, 1).get()) == "terminated"
    assert [item["resume"] for item in host.books.sent] == [False, True, False]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("after", [1, 2, 4])
def test_retries_continue_after_a_crash(after: int, named: bool) -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.fail(operation)
        if len(host.books.sent) == after and not host.begin["resume"]:
            host.crash()

    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        if named:
            numbered(ctx, [1, 2], name="n").execute()
        else:
            graph = ctx.graph_mode()
            graph.sequence().add(do(ctx, 1), do(ctx, 2))
            graph.execute()

    host = FakeHost(THING, behaviour=behaviour)
    assert host.run(run) is None
    again = host.resumed(crash=True)
    end = again.run(run)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "in 4 attempts" in end["error"]["message"]
    assert [(item["attempt"], item["retry_number"]) for item in again.books.sent] == [
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 3),
    ]
    # A user who resumes it has each operation tried as often as one that is new.
    resumed = again.resumed()
    assert resumed.outcome(run) == "failed"
    assert [(item["attempt"], item["retry_number"]) for item in resumed.books.sent[4:]] == [
        (5, 0),
        (6, 1),
        (7, 2),
        (8, 3),
    ]


def test_a_user_who_resumes_an_execution_has_all_retries_again() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if len(host.books.sent) < 7:
            host.fail(operation)
        else:
            host.succeed(operation)

    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        numbered(ctx, [1], name="n").execute()

    host = FakeHost(THING, behaviour=behaviour)
    assert host.outcome(run) == "failed"
    again = host.resumed()
    assert again.outcome(run) == "terminated"
    assert [(item["attempt"], item["retry_number"]) for item in again.books.sent] == [
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 3),
        (5, 0),
        (6, 1),
        (7, 2),
    ]


@pytest.mark.parametrize("named", [True, False])
def test_an_ignored_failure_stays_ignored(named: bool) -> None:
    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        if named:
            numbered(ctx, [1, 2, 3], name="n", on_failure=ignore).execute()
        else:
            graph = ctx.graph_mode()
            tasks = [do(ctx, number) for number in (1, 2, 3)]
            tasks[0].on_failure = lambda task: HandlerResult.ignore()
            graph.sequence().add(*tasks)
            graph.execute()

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if number_of(operation) == 1:
            host.fail(operation)
        elif number_of(operation) == 2 and not host.begin["resume"]:
            host.crash()
        else:
            host.succeed(operation)

    host = FakeHost(THING, behaviour=behaviour)
    assert host.run(run) is None
    again = host.resumed(crash=True)
    assert again.outcome(run) == "terminated"
    assert sent(again) == [1, 2, 2, 3]


@pytest.mark.parametrize("named", [True, False])
def test_what_a_handler_has_run_again_is_not_over_until_that_is(named: bool) -> None:
    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        if named:
            numbered(ctx, [1, 2], name="n", on_success=Stubborn(3)).execute()
        else:
            graph = ctx.graph_mode()
            tasks = [do(ctx, number) for number in (1, 2)]
            tasks[0].on_success = Stubborn(3)
            graph.sequence().add(*tasks)
            graph.execute()

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if len(host.books.sent) == 2 and not host.begin["resume"]:
            host.crash()
        else:
            host.succeed(operation)

    host = FakeHost(THING, behaviour=behaviour)
    assert host.run(run) is None
    again = host.resumed(crash=True)
    assert again.outcome(run) == "terminated"
    assert sent(again)[-1] == 2
    assert sent(again).count(2) == 1
    assert sent(again).count(1) >= 3


class Rebuild:
    """Puts a subgraph of other numbers in the place of a failed one."""

    def __init__(self, numbers: list[int]) -> None:
        self._numbers = numbers

    def dump(self) -> dict[str, Any]:
        return {"numbers": self._numbers}

    def __call__(self, failed: Any) -> HandlerResult:
        result = HandlerResult.retry()
        result.retried_task = block(failed.graph, self._numbers, self._numbers)
        return result


def block(graph: Any, numbers: list[int], then: list[int]) -> Any:
    subgraph = graph.subgraph(f"block {numbers}")
    subgraph.sequence().add(*(do(graph.ctx, number) for number in numbers))
    subgraph.on_failure = Rebuild(then)
    return subgraph


@make_or_get_graph
def blocks(ctx: Any) -> Any:
    graph = ctx.graph_mode()
    first = block(graph, [1, 2, 3], [11, 12])
    after, aside = do(ctx, 20), do(ctx, 21)
    graph.add_task(after)
    graph.add_task(aside)
    graph.add_dependency(after, first)
    # Waits for a part of the first block only.
    graph.add_dependency(aside, list(first.tasks.values())[1])
    return graph


@pytest.mark.parametrize("moment", ["before the rebuilt one", "in the rebuilt one", "after it"])
def test_a_rebuilt_subgraph_is_resumed_and_not_the_one_that_failed(moment: str) -> None:
    crash_when = {"before the rebuilt one": 11, "in the rebuilt one": 12, "after it": 20}[moment]

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        number = number_of(operation)
        if number == 2:
            host.fail(operation, recoverable=False)
        elif number == crash_when and not host.begin["resume"]:
            host.crash()
        else:
            host.succeed(operation)

    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        blocks(ctx, name="b").execute()

    policy = {"task_retries": 0, "task_retry_interval": 1, "subgraph_retries": 1, "wait_after_fail": 600}
    host = FakeHost(THING, behaviour=behaviour, policy=policy)
    assert host.run(run) is None
    again = host.resumed(crash=True)
    assert again.outcome(run) == "terminated"
    numbers = sent(again)
    assert numbers.count(2) == 1
    assert 3 not in numbers
    assert numbers.index(12) < numbers.index(20)
    assert numbers.index(12) < numbers.index(21)
    succeeded = Counter(
        number_of(task["parameters"])
        for task in again.books.tasks.values()
        if task["kind"] == "operation" and task["state"] == "succeeded"
    )
    assert succeeded == Counter({1: 1, 11: 1, 12: 1, 20: 1, 21: 1})


def test_a_rebuilt_subgraph_has_as_many_retries_left_as_before() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if number_of(operation) == 12 and not host.begin["resume"]:
            host.crash()
        elif number_of(operation) in (2, 12):
            host.fail(operation, recoverable=False)
        else:
            host.succeed(operation)

    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        blocks(ctx, name="b").execute()

    policy = {"task_retries": 0, "task_retry_interval": 1, "subgraph_retries": 1, "wait_after_fail": 600}
    host = FakeHost(THING, behaviour=behaviour, policy=policy)
    assert host.run(run) is None
    again = host.resumed(crash=True)
    assert again.outcome(run) == "failed"
    assert sent(again) == [1, 2, 11, 12, 12]


def test_graphs_of_one_name_are_resumed_in_their_order() -> None:
    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        for numbers in ([1, 2], [3, 4], [5]):
            numbered(ctx, numbers, name="same").execute()

    host = FakeHost(THING, behaviour=crash_at(4))
    assert host.run(run) is None
    for item in host.books.sent:
        if number_of(item) == 4:
            host.books.end(item, "succeeded", None, None)
    again = host.resumed(crash=True)
    assert again.outcome(run) == "terminated"
    assert sent(again) == [1, 2, 3, 4, 5]
    assert [graph["name"] for graph in again.books.graphs] == ["same"] * 3


def test_a_graph_that_was_not_stored_in_full_is_built_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_journal, "MAX_TASKS", 3)

    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        numbered(ctx, list(range(8)), name="large").execute()

    def stop(host: FakeHost, entry: list[Any]) -> None:
        if entry[0] == "tasks" and not host.begin["resume"]:
            host.crash()

    host = FakeHost(THING)
    original = host.books.apply

    def only_the_first(entries: list[list[Any]]) -> list[dict[str, Any]]:
        original([entry for entry in entries if entry[0] == "graph"])
        host.crash()
        return []

    host.books.apply = only_the_first  # type: ignore[method-assign]
    assert host.run(run) is None
    assert len(host.books.tasks) == 4  # the note of what completes it, and three
    host.books.apply = original  # type: ignore[method-assign]
    again = host.resumed(crash=True)
    assert again.outcome(run) == "terminated"
    assert sent(again) == list(range(8))

    # One that was stored in full is found, however many entries it took.
    whole = FakeHost(THING, behaviour=crash_at(5))
    assert whole.run(run) is None
    whole.books.end(
        whole.books.sent[-1], "failed", None, {"message": "no", "recoverable": True, "kind": "ValueError"}
    )
    assert whole.resumed(crash=True).outcome(run) == "terminated"
    assert sent(whole) == [0, 1, 2, 3, 4, 5, 5, 6, 7]


def test_a_graph_without_a_name_that_is_built_differently_is_run_from_its_beginning_with_a_warning() -> None:
    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        graph = ctx.graph_mode()
        graph.sequence().add(do(ctx, 1), do(ctx, 2), *([do(ctx, 3)] if ctx.resume else []))
        graph.execute()

    host = FakeHost(THING, behaviour=crash_at(2))
    assert host.run(run) is None
    running = host.books.sent[-1]
    again = host.resumed(crash=True)
    again.answers["ping"] = lambda: (
        again.finish(running) if host.books.tasks[running["id"]]["state"] == "started" else None
    )
    assert again.outcome(run) == "terminated"
    # Even so, what still ran was waited for and has no twin.
    assert sent(again) == [1, 2, 1, 3]
    (warning,) = again.books.logs
    assert "make_or_get_graph" in warning["message"]


def test_a_workflow_without_graphs_runs_again_and_waits_for_what_still_runs() -> None:
    @workflow(resumable=True)
    def run(ctx: Any) -> list[Any]:
        return [do(ctx, number).get() for number in (1, 2, 3)]

    host = FakeHost(THING, behaviour=crash_at(2))
    assert host.run(run) is None
    running = host.books.sent[-1]
    again = host.resumed(crash=True)
    again.answers["ping"] = lambda: (
        again.finish(running, result="of before")
        if host.books.tasks[running["id"]]["state"] == "started"
        else None
    )
    assert again.end(run)["result"] == [1, "of before", 3]
    assert sent(again) == [1, 2, 1, 3]


def test_a_workflow_that_cannot_be_resumed_stores_no_graph() -> None:
    def run(ctx: Any) -> None:
        graph = ctx.graph_mode()
        graph.add_task(do(ctx, 1))
        graph.execute()

    host = FakeHost(THING)
    assert host.outcome(run) == "terminated"
    assert host.books.graphs == []
    assert host.books.sent[0]["graph_id"] is None


# What cannot be stored, or found again.


def test_a_handler_that_could_not_be_found_again_is_refused_when_its_graph_is_stored() -> None:
    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        numbered(ctx, [1], name="n", on_success=lambda task: HandlerResult.cont()).execute()

    end = FakeHost(THING).run(run)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "at the top level of a module" in end["error"]["message"]


def test_a_handler_that_is_gone_is_named() -> None:
    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        numbered(ctx, [1], name="n", on_failure=ignore).execute()

    host = FakeHost(THING, behaviour=crash_at(1))
    assert host.run(run) is None
    for task in host.books.tasks.values():
        task["parameters"]["task"]["on_failure"] = {"name": "nowhere_at_all:ignore"}
    end = host.resumed(crash=True).run(run)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "nowhere_at_all:ignore" in end["error"]["message"]


def test_a_function_that_cannot_be_found_again_fails_only_where_it_has_to_run_again() -> None:
    @make_or_get_graph
    def build(ctx: Any) -> Any:
        graph = ctx.graph_mode()
        graph.sequence().add(
            ctx.local_task(lambda: None), do(ctx, 1), ctx.local_task(lambda: None, total_retries=0)
        )
        return graph

    @workflow(resumable=True)
    def run(ctx: Any) -> None:
        build(ctx, name="n").execute()

    host = FakeHost(THING, behaviour=crash_at(1))
    assert host.run(run) is None
    host.books.end(host.books.sent[-1], "succeeded", None, None)
    end = host.resumed(crash=True).run(run)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "cannot be run again" in end["error"]["message"]


def test_inputs_that_are_not_json_are_named() -> None:
    def run(ctx: Any) -> None:
        next(ctx.node_instances).execute_operation(
            "do.it", kwargs={"number": 1, "wrong": {"deep": object()}}
        ).get()

    end = FakeHost([node("thing", ["do.it"])]).run(run)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "inputs.wrong.deep" in end["error"]["message"]
