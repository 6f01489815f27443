"""A standard cancellation: graphs stop at once, workflows that ask decide, and what cleans up can still
run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from fake_host import FakeHost, node
from graphs import THING, Spec, number_of, specs
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudwright.workflow import api
from cloudwright.workflow.tasks import HandlerResult


def do(ctx: Any, number: int, **kwargs: Any) -> Any:
    return next(ctx.node_instances).execute_operation("do.it", kwargs={"number": number, **kwargs})


def sent(host: FakeHost) -> list[int]:
    return [number_of(item) for item in host.books.sent]


# Graphs.


@settings(max_examples=80, deadline=None)
@given(spec=specs(("operation", "operation", "event", "state", "local")), moment=st.integers(0, 30))
def test_nothing_is_sent_once_the_request_was_read(spec: Spec, moment: int) -> None:
    left = [moment]

    def tick(host: FakeHost, what: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            host.cancel()

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        tick(host, operation)
        host.start(operation)
        tick(host, operation)
        host.finish(operation)

    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        spec.build(ctx, graph)
        graph.execute()

    host = FakeHost(THING, behaviour=behaviour, cancel="cancel" if moment == 0 else None)
    host.on_entry = tick
    end = host.run(workflow)
    assert end is not None
    if moment == 0:
        assert host.tape == []
    if "cancel" in host.tape:
        assert host.tape[-1] == "cancel"
    numbers = sent(host)
    complete = len(numbers) == spec.kinds.count("operation")
    # A request that comes when everything was done already finds nothing to stop.
    assert end["outcome"] == ("cancelled" if moment == 0 or not complete else end["outcome"])
    assert end["outcome"] in ("cancelled", "terminated")
    for position, number in enumerate(numbers):
        before = {item for item in spec.before(number) if spec.kinds[item] == "operation"}
        assert before <= set(numbers[:position])


def test_a_graph_that_waits_is_woken_and_what_runs_goes_on_running() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.start(operation)
        host.cancel()

    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        graph.sequence().add(do(ctx, 1), do(ctx, 2))
        with pytest.raises(api.ExecutionCancelled):
            graph.execute()
        raise api.ExecutionCancelled

    host = FakeHost(THING, behaviour=behaviour)
    assert host.run(workflow) == {"outcome": "cancelled", "result": None, "error": None}
    assert sent(host) == [1]
    (task,) = host.books.tasks.values()
    assert task["state"] == "started"


def test_a_graph_that_waits_for_a_retry_is_woken() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.fail(operation)
        # Answered when the workflow waits for nothing but the retry.
        host.answers["ping"] = host.cancel

    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        graph.add_task(do(ctx, 1))
        graph.execute()

    host = FakeHost(THING, behaviour=behaviour)
    assert host.outcome(workflow) == "cancelled"
    assert sent(host) == [1]


def test_a_graph_that_waits_after_a_failure_is_woken() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if number_of(operation) == 1:
            host.fail(operation, recoverable=False)
            host.answers["ping"] = host.cancel
        else:
            host.start(operation)

    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        graph.add_task(do(ctx, 2))
        graph.add_task(do(ctx, 1))
        graph.execute()

    assert FakeHost(THING, behaviour=behaviour).outcome(workflow) == "cancelled"


@pytest.mark.parametrize("first", ["request", "revocation"])
@pytest.mark.parametrize("attempt", [None, 1])
def test_what_was_revoked_for_the_request_is_not_a_failure(first: str, attempt: int | None) -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if number_of(operation) == 1:
            if first == "request":
                host.cancel()
            else:
                # Answered when the workflow knows of the revocation, and of no request yet.
                host.answers["ping"] = host.cancel
            host.revoke(operation, attempt)
        else:
            host.succeed(operation)

    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        graph.sequence().add(do(ctx, 1), do(ctx, 2))
        graph.execute()

    host = FakeHost(THING, behaviour=behaviour)
    assert host.run(workflow) == {"outcome": "cancelled", "result": None, "error": None}
    assert sent(host) == [1]


@pytest.mark.parametrize("first", ["request", "revocation"])
def test_a_workflow_that_asks_gets_what_was_revoked_run_all_the_same(first: str) -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if len(host.books.sent) == 1:
            if first == "request":
                host.cancel()
            else:
                host.answers["ping"] = host.cancel
            host.revoke(operation)
        else:
            host.succeed(operation, result="run")

    def workflow(ctx: Any) -> list[Any]:
        return [api.has_cancel_request(), do(ctx, 1).get(), api.has_cancel_request()]

    host = FakeHost(THING, behaviour=behaviour)
    assert host.end(workflow)["result"] == [False, "run", True]
    assert sent(host) == [1, 1]


def test_a_function_that_runs_in_a_thread_does_not_hold_the_graph_up() -> None:
    running, release = threading.Event(), threading.Event()

    def slow() -> None:
        running.set()
        release.wait(30)

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        running.wait(30)
        host.cancel()

    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        graph.add_task(ctx.local_task(slow))
        graph.add_task(do(ctx, 1))
        graph.execute()

    try:
        assert FakeHost(THING, behaviour=behaviour).outcome(workflow) == "cancelled"
    finally:
        release.set()


def test_after_it_was_cancelled_a_workflow_can_run_another_graph_and_even_the_same() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if number_of(operation) == 1:
            host.cancel()
        host.succeed(operation)

    def workflow(ctx: Any) -> None:
        graph = ctx.graph_mode()
        graph.sequence().add(do(ctx, 1), do(ctx, 2))
        with pytest.raises(api.ExecutionCancelled):
            graph.execute()
        undo = ctx.graph_mode()
        assert undo is not graph
        undo.sequence().add(do(ctx, -1), do(ctx, -2))
        undo.execute()
        graph.execute()
        raise api.ExecutionCancelled

    host = FakeHost(THING, behaviour=behaviour)
    assert host.outcome(workflow) == "cancelled"
    assert sent(host) == [1, -1, -2, 2]


def test_a_graph_is_interrupted_although_the_workflow_asked_before_and_its_handlers_ask_meanwhile() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.start(operation)
        host.finish(operation)

    def workflow(ctx: Any) -> None:
        assert not api.has_cancel_request()
        graph = ctx.graph_mode()
        first = do(ctx, 1)

        def asks(task: Any) -> HandlerResult:
            # The request comes between the look at the graph and the handler.
            ctx.internal.connection.cancellation.requested = "cancel"
            assert api.has_cancel_request()
            return HandlerResult.cont()

        first.on_success = asks
        graph.sequence().add(first, do(ctx, 2))
        graph.execute()

    host = FakeHost(THING, behaviour=behaviour)
    assert host.outcome(workflow) == "cancelled"
    assert sent(host) == [1]


# One task after the other.


def cancel_while_running(number: int) -> Callable[[FakeHost, dict[str, Any]], None]:
    """The request comes while this operation runs; then it succeeds."""

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.start(operation)
        if number_of(operation) == number:
            host.cancel()
        host.finish(operation)

    return behaviour


def test_a_workflow_that_never_asks_is_interrupted_where_it_waits() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.start(operation)
        host.cancel()

    def workflow(ctx: Any) -> None:
        for number in range(3):
            do(ctx, number).get()

    host = FakeHost(THING, behaviour=behaviour)
    assert host.run(workflow) == {"outcome": "cancelled", "result": None, "error": None}
    assert sent(host) == [0]


def test_it_may_catch_that_and_clean_up_with_operations() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.start(operation)
        if number_of(operation) == 1:
            host.cancel()
        else:
            host.finish(operation)

    def workflow(ctx: Any) -> None:
        done: list[int] = []
        try:
            for number in range(3):
                do(ctx, number).get()
                done.append(number)
        except api.ExecutionCancelled:
            for number in reversed(done):
                do(ctx, -number - 10).get()
            raise

    host = FakeHost(THING, behaviour=behaviour)
    assert host.outcome(workflow) == "cancelled"
    assert sent(host) == [0, 1, -10]


def test_a_workflow_that_asks_rolls_back_when_it_is_told() -> None:
    def workflow(ctx: Any) -> None:
        done: list[int] = []
        for number in range(5):
            if api.has_cancel_request():
                for before in reversed(done):
                    do(ctx, -before - 10).get()
                raise api.ExecutionCancelled
            do(ctx, number).get()
            done.append(number)

    host = FakeHost(THING, behaviour=cancel_while_running(1))
    assert host.outcome(workflow) == "cancelled"
    # What it waited for came to its end, and everything that was done was undone.
    assert sent(host) == [0, 1, -11, -10]


def test_a_workflow_that_asks_may_go_on_and_end_well() -> None:
    def workflow(ctx: Any) -> str:
        for number in range(3):
            api.has_cancel_request()
            do(ctx, number).get()
        return "done"

    host = FakeHost(THING, behaviour=cancel_while_running(1))
    assert host.run(workflow) == {"outcome": "terminated", "result": "done", "error": None}
    assert sent(host) == [0, 1, 2]


def test_a_workflow_that_asks_is_interrupted_where_it_only_waits_for_another_attempt() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.fail(operation)
        host.answers["ping"] = host.cancel

    def workflow(ctx: Any) -> None:
        assert not api.has_cancel_request()
        do(ctx, 1).get()

    host = FakeHost(THING, behaviour=behaviour)
    assert host.outcome(workflow) == "cancelled"
    assert sent(host) == [1]


def test_what_cleans_up_is_retried_like_anything_else() -> None:
    tries: list[int] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if number_of(operation) == 1:
            host.start(operation)
            host.cancel()
        elif len(tries) < 2:
            tries.append(1)
            host.fail(operation)
        else:
            host.succeed(operation)

    def workflow(ctx: Any) -> None:
        try:
            do(ctx, 1).get()
        finally:
            do(ctx, -1).get()

    host = FakeHost(THING, behaviour=behaviour)
    assert host.outcome(workflow) == "cancelled"
    assert sent(host) == [1, -1, -1, -1]


def test_a_task_that_is_begun_after_an_unknown_request_does_not_begin() -> None:
    def workflow(ctx: Any) -> None:
        do(ctx, 1).get()
        # The request has been read by now, and the workflow does not know.
        ctx.internal.connection.call("ping")
        result = do(ctx, 2)
        calls: list[int] = []
        local = ctx.local_task(lambda: calls.append(1))
        next(ctx.node_instances).set_state("still true")
        for waited in (result, local):
            with pytest.raises(api.ExecutionCancelled):
                waited.get()
        assert calls == []
        raise api.ExecutionCancelled

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.succeed(operation)
        host.answers["ping"] = host.cancel

    host = FakeHost(THING, behaviour=behaviour)
    assert host.outcome(workflow) == "cancelled"
    assert sent(host) == [1]
    assert host.books.states == {"thing_1": "still true"}


def test_what_was_begun_and_not_waited_for_is_waited_for_at_the_end() -> None:
    held: list[dict[str, Any]] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        held.append(operation)
        if len(held) == 2:
            for item in held:
                host.succeed(item)

    def workflow(ctx: Any) -> str:
        do(ctx, 1)
        do(ctx, 2)
        return "done"

    host = FakeHost(THING, behaviour=behaviour)
    assert host.end(workflow)["result"] == "done"
    assert [task["state"] for task in host.books.tasks.values()] == ["succeeded", "succeeded"]


def test_and_a_request_ends_that() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.start(operation)
        host.cancel()

    def workflow(ctx: Any) -> str:
        do(ctx, 1)
        return "done"

    assert FakeHost(THING, behaviour=behaviour).outcome(workflow) == "cancelled"


@pytest.mark.parametrize("way", ["raise", "return"])
def test_the_two_ways_to_say_that_it_has_stopped(way: str) -> None:
    def workflow(ctx: Any) -> str:
        ctx.send_event("waiting")
        while not api.has_cancel_request():
            time.sleep(0.001)
        if way == "raise":
            raise api.ExecutionCancelled
        return api.EXECUTION_CANCELLED_RESULT

    host = FakeHost(THING)
    host.on_entry = lambda host, entry: host.cancel()
    assert host.outcome(workflow) == "cancelled"
    assert not api.has_cancel_request()
    assert not api.has_kill_request()


def test_a_workflow_that_fails_while_it_cleans_up_has_failed() -> None:
    def workflow(ctx: Any) -> None:
        try:
            do(ctx, 1).get()
        except api.ExecutionCancelled:
            raise RuntimeError("the clean-up went wrong") from None

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.start(operation)
        host.cancel()

    end = FakeHost(THING, behaviour=behaviour).run(workflow)
    assert end is not None
    assert end["outcome"] == "failed"
    assert "the clean-up went wrong" in end["error"]["message"]


# Waiting for single tasks.


def test_waiting_gives_the_result_or_raises_the_error() -> None:
    from cloudwright.child.errors import NonRecoverableError, RecoverableError

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        number = number_of(operation)
        if number == 2:
            host.fail(operation, message="never", recoverable=False)
        elif number == 3:
            host.fail(operation, message="not yet", retry_after=1.5)
        else:
            host.succeed(operation, result={"number": number})

    def workflow(ctx: Any) -> None:
        result = do(ctx, 1)
        assert result.get() == {"number": 1}
        assert result.result == result.get()
        assert result.task.get_state() == "succeeded"
        with pytest.raises(NonRecoverableError, match="never"):
            do(ctx, 2).get()
        with pytest.raises(RecoverableError, match="not yet") as raised:
            do(ctx, 3).get()
        assert raised.value.retry_after == 1.5
        once = do(ctx, 3)
        with pytest.raises(RecoverableError):
            once.get(retry_on_failure=False)
        assert once.task.get_state() == "failed"
        heard: list[Any] = []
        do(ctx, 4).on_result(heard.append)
        late = do(ctx, 5)
        late.get()
        late.on_result(heard.append)
        assert heard == [{"number": 4}, {"number": 5}]

    host = FakeHost(THING, behaviour=behaviour)
    end = host.run(workflow)
    assert end is not None
    assert end["error"] is None
    assert sent(host) == [1, 2, 3, 3, 3, 3, 3, 4, 5]


def test_waiting_may_be_limited() -> None:
    held: list[dict[str, Any]] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.start(operation)
        held.append(operation)

    def workflow(ctx: Any) -> str:
        result = do(ctx, 1)
        for _ in range(3):
            with pytest.raises(TimeoutError, match=r"within 2\.5 s"):
                result.get(timeout=2.5)
        ctx.internal.connection.call("go")
        return str(result.get(timeout=2.5))

    host = FakeHost(THING, behaviour=behaviour)
    host.answers["go"] = lambda: host.finish(held[0], result="late")
    assert host.end(workflow)["result"] == "late"
    assert host.clock.now == 1007.5


def test_a_task_that_was_never_begun_cannot_be_waited_for() -> None:
    def workflow(ctx: Any) -> None:
        ctx.graph_mode()
        task = do(ctx, 1)
        with pytest.raises(RuntimeError, match="not part of a graph"):
            task.async_result.get()
        with pytest.raises(RuntimeError, match="not ended"):
            _ = task.async_result.result
        assert task.apply_async().get() is None

    host = FakeHost(THING)
    assert host.outcome(workflow) == "terminated"
    assert sent(host) == [1]


def test_many_threads_may_wait_and_whoever_waits_reads() -> None:
    nodes = [node("thing", ["do.it"])]
    held: list[dict[str, Any]] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        held.append(operation)
        if len(held) == 8:
            for item in reversed(held):
                host.succeed(item, result=number_of(item))

    def workflow(ctx: Any) -> list[int]:
        results: list[int] = []

        def one(number: int) -> None:
            results.append(do(ctx, number).get())

        threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return sorted(results)

    assert FakeHost(nodes, behaviour=behaviour).end(workflow)["result"] == list(range(8))


def test_all_threads_that_wait_are_interrupted() -> None:
    def workflow(ctx: Any) -> None:
        connection = ctx.internal.connection
        interrupted: list[int] = []

        def one(number: int) -> None:
            result = do(ctx, number)
            try:
                result.get()
            except api.ExecutionCancelled:
                interrupted.append(number)

        threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        while connection._waiting < 4:
            time.sleep(0.001)
        connection.call("stop")
        for thread in threads:
            thread.join(30)
        assert sorted(interrupted) == [0, 1, 2, 3]
        raise api.ExecutionCancelled

    host = FakeHost(THING, behaviour=FakeHost.start)
    host.answers["stop"] = host.cancel
    assert host.outcome(workflow) == "cancelled"
