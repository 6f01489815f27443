"""A cancelled execution ends as what happened says: every shape of workflow, cancelled at every moment.

``truth`` is an independent model. It does not know the executor: it looks at the tape, where the workflow
notes what it does and learns, and at what became of the operations at the host, and says which end is true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fake_host import Behaviour, FakeHost, node
from graphs import number_of
from hypothesis import event, given, settings
from hypothesis import strategies as st

from cloudwright.workflow import api
from cloudwright.workflow.tasks import HandlerResult

THING = [node("thing", {"do.it": {"max_retries": 1, "retry_interval": 5}})]
CLEAN_UP = 90


class Broken(Exception):
    """The workflow's own failure."""


@dataclass(frozen=True)
class Step:
    """One thing that the workflow does.

    ``begin`` begins an operation and does not wait: the host runs 0 at once, has 1 fail once, and runs 2 when
    the workflow has nothing to do. ``local`` and ``nested`` begin a function, the latter one that runs an
    operation and waits for it. ``wait`` waits for what was begun ``number`` steps ago. ``poll`` asks about
    the request, and raises with ``number`` 1. ``state`` records something.
    """

    kind: str
    number: int = 0
    catches: bool = False


@dataclass
class Run:
    """A workflow made of steps. ``tape`` is the host's, in the order in which things happened."""

    steps: list[Step]
    returns_result: bool
    tape: list[Any]

    def note(self, *what: Any) -> None:
        self.tape.append(what)

    def __call__(self, ctx: Any) -> Any:
        ctx.internal.task_graph  # noqa: B018 - as a workflow that runs tasks one by one
        begun: list[tuple[str, Any]] = []
        (instance,) = ctx.node_instances
        for position, step in enumerate(self.steps):
            try:
                self.take(ctx, instance, position, step, begun)
            except api.ExecutionCancelled:
                self.note("knows")
                if not step.catches:
                    raise
                # It cleans up, and carries on with the next step.
                name = f"clean up {position}"
                self.note("begin", name)
                instance.execute_operation("do.it", kwargs={"number": CLEAN_UP, "name": name}).get()
        if self.returns_result and ("knows",) in self.tape:
            return api.EXECUTION_CANCELLED_RESULT
        self.note("returned")
        return None

    def take(self, ctx: Any, instance: Any, position: int, step: Step, begun: list[Any]) -> None:
        name = f"step {position}"
        if step.kind == "begin":
            self.note("begin", name)
            begun.append(
                (name, instance.execute_operation("do.it", kwargs={"number": step.number, "name": name}))
            )
        elif step.kind == "local":
            self.note("begin", name)
            begun.append((name, ctx.local_task(self.local, kwargs={"name": name})))
        elif step.kind == "nested":
            self.note("begin", name)
            function = self.nested
            begun.append((name, ctx.local_task(function, kwargs={"name": name, "instance": instance})))
        elif step.kind == "state":
            instance.set_state(name)
        elif step.kind == "wait" and begun:
            name, result = begun[-1 - step.number % len(begun)]
            self.note("wait", name)
            try:
                result.get()
            except api.ExecutionCancelled:
                self.note("seen", name)
                raise
            finally:
                self.note("waited", name)
        elif step.kind == "poll":
            answer = api.has_cancel_request()
            self.note("polled")
            if answer:
                self.note("knows")
                if step.number:
                    raise api.ExecutionCancelled

    def local(self, name: str) -> None:
        self.note("ran", name)

    def nested(self, name: str, instance: Any) -> None:
        inner = f"inside {name}"
        self.note("begin", inner)
        self.note("wait", inner)
        try:
            instance.execute_operation("do.it", kwargs={"number": 0, "name": inner}).get()
        except api.ExecutionCancelled:
            self.note("seen", inner)
            self.note("knows")
            raise
        finally:
            self.note("waited", inner)
        self.note("ran", name)


def truth(host: FakeHost, done_before: set[str]) -> set[str]:
    """The ends that are true of what happened; ``done_before`` are operations that had ended when the host
    sent the request.
    """
    tape = host.tape
    if ("returned",) not in tape:
        # It let ExecutionCancelled pass, raised it, or returned the result: it stopped because it was asked.
        return {"cancelled"}
    if "cancel" not in tape:
        return {"terminated"}
    done = {item[1] for item in tape if item[0] == "ran"}
    done |= {
        item["parameters"]["inputs"]["name"]
        for item in host.books.tasks.values()
        if item["state"] == "succeeded" and item["kind"] == "operation"
    }
    expected = {item[1] for item in tape if item[0] == "begin"} - {
        item[1] for item in tape if item[0] == "seen"
    }
    if not expected <= done:
        # It carried on to its end, but not all that it began was run, and it does not know that.
        return {"cancelled"}
    ran_before = {item[1] for item in tape[: tape.index("cancel")] if item[0] == "ran"}
    returned = tape.index(("returned",))
    if expected <= done_before | ran_before or ("polled",) in tape or ("knows",) in tape[:returned]:
        return {"terminated"}
    # The request came while it waited for its tasks, and whether they ended first is a matter of luck.
    return {"terminated", "cancelled"}


def check_nothing_unasked(host: FakeHost) -> None:
    """No operation is sent once the request was read that the workflow did not ask for in knowledge of it."""
    names = {item["id"]: item["inputs"]["name"] for item in host.books.sent}
    for position, item in enumerate(host.tape):
        if not isinstance(item, str) or item not in names or item in host.unaware:
            continue  # what crosses the request is refused by the host
        before = host.tape[:position]
        if "cancel" not in before:
            continue
        name = names[item]
        knows = before.index(("knows",)) if ("knows",) in before else None
        if knows is None:
            assert ("polled",) in before, (name, host.tape)
            continue
        asked = [index for index, what in enumerate(before) if what in (("begin", name), ("wait", name))]
        waiting = before.count(("wait", name)) > before.count(("waited", name))
        finishing = ("returned",) in before and ("polled",) in before
        assert max(asked) > knows or waiting or finishing, (name, host.tape)


STEPS = st.one_of(
    st.builds(Step, st.just("begin"), st.integers(0, 2)),
    st.builds(Step, st.sampled_from(["local", "nested", "state"])),
    st.builds(Step, st.just("wait"), st.integers(0, 3), st.booleans()),
    st.builds(Step, st.just("poll"), st.integers(0, 1), st.booleans()),
)


def cancelling_at(moment: int, done_before: set[str]) -> tuple[Callable[..., None], Behaviour]:
    """What a host does that asks to stop at that moment: operation 0 is run at once, 1 fails once, 2 is run
    when the workflow waits for something. What is not started yet is revoked when the request is stored.
    """
    left = [moment]
    waiting: list[dict[str, Any]] = []
    asked: list[bool] = [True] * (moment == 0)

    def tick(host: FakeHost, what: Any = None) -> None:
        left[0] -= 1
        if left[0] == 0:
            asked.append(True)
            for operation in waiting:
                host.revoke(operation)
            waiting.clear()
            host.cancel()

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        tick(host)
        aware = "cancel" in host.tape
        if asked and not aware:
            host.revoke(operation)
        elif number_of(operation) == 2 and not aware:
            waiting.append(operation)
        elif number_of(operation) == 1 and operation["attempt"] == 1:
            host.fail(operation)
        else:
            host.start(operation)
            tick(host)
            finish(host, operation)

    def finish(host: FakeHost, operation: dict[str, Any]) -> None:
        if not asked:
            done_before.add(operation["inputs"]["name"])
        host.finish(operation)

    def ping(host: FakeHost) -> None:
        tick(host)
        if waiting:
            operation = waiting.pop(0)
            host.start(operation)
            finish(host, operation)

    def attach(host: FakeHost) -> None:
        host.answers["ping"] = lambda: ping(host)

    return attach, behaviour


@settings(max_examples=300, deadline=None)
@given(
    steps=st.lists(STEPS, max_size=6),
    moment=st.integers(0, 25),
    returns_result=st.booleans(),
)
def test_the_end_is_what_happened(steps: list[Step], moment: int, returns_result: bool) -> None:
    done_before: set[str] = set()
    attach, behaviour = cancelling_at(moment, done_before)
    host = FakeHost(THING, behaviour=behaviour, cancel="cancel" if moment == 0 else None)
    attach(host)
    run = Run(steps, returns_result, host.tape)
    if moment == 0:
        host.tape.append("cancel")
    end = host.run(run)
    assert end is not None
    event(end["outcome"])
    assert end["outcome"] in truth(host, done_before), (end, host.tape)
    check_nothing_unasked(host)


# Graphs.


@dataclass(frozen=True)
class GraphShape:
    """A workflow that executes a graph: ``tasks`` in subgraphs of two, one after the other or side by side,
    and what it does when it is interrupted.
    """

    tasks: list[str]
    in_sequence: bool
    subgraphs: bool
    on_failure: str
    polls: bool
    then: str


def graph_workflow(shape: GraphShape, tape: list[Any]) -> Callable[[Any], Any]:
    def nested(name: str, task: Any) -> None:
        try:
            task.apply_async().get()
        except api.ExecutionCancelled:
            tape.append(("knows",))
            raise
        tape.append(("ran", name))

    def handler(task: Any) -> HandlerResult:
        return HandlerResult.ignore() if shape.on_failure == "ignore" else HandlerResult.retry(retry_after=1)

    def workflow(ctx: Any) -> Any:
        if shape.polls:
            tape.append(("knows before",) if api.has_cancel_request() else ("polled",))
        graph = ctx.graph_mode()
        (instance,) = ctx.node_instances

        def operation(number: int, name: str) -> Any:
            return instance.execute_operation("do.it", kwargs={"number": number, "name": name})

        around, before = graph, None
        for position, kind in enumerate(shape.tasks):
            name = f"task {position}"
            if kind == "nested":
                inner = operation(0, f"inside {name}")
                task = ctx.local_task(nested, kwargs={"name": name, "task": inner})
            elif kind == "state":
                task = instance.set_state(name)
            else:
                task = operation(int(kind), name)
                if shape.on_failure != "none":
                    task.on_failure = handler
            if shape.subgraphs and position % 2 == 0:
                around = graph.subgraph(f"around {name}")
            around.add_task(task)
            if shape.in_sequence and before is not None:
                graph.add_dependency(task, before)
            before = task
        try:
            graph.execute()
        except api.ExecutionCancelled:
            tape.append(("knows",))
            if shape.then == "raise":
                raise
            tape.append(("begin", "undo"))
            if shape.then == "undo one by one":
                operation(CLEAN_UP, "undo").apply_async().get()
            else:
                undo = ctx.graph_mode()
                undo.add_task(operation(CLEAN_UP, "undo"))
                undo.execute()
        tape.append(("returned",))
        return None

    return workflow


@settings(max_examples=200, deadline=None)
@given(
    shape=st.builds(
        GraphShape,
        tasks=st.lists(st.sampled_from(["0", "1", "2", "nested", "state"]), min_size=1, max_size=5),
        in_sequence=st.booleans(),
        subgraphs=st.booleans(),
        on_failure=st.sampled_from(["none", "ignore", "retry"]),
        polls=st.booleans(),
        then=st.sampled_from(["raise", "undo one by one", "undo in a graph"]),
    ),
    moment=st.integers(0, 25),
)
def test_the_end_of_a_graph_is_what_happened(shape: GraphShape, moment: int) -> None:
    done_before: set[str] = set()
    attach, behaviour = cancelling_at(moment, done_before)
    host = FakeHost(THING, behaviour=behaviour, cancel="cancel" if moment == 0 else None)
    attach(host)
    if moment == 0:
        host.tape.append("cancel")
    end = host.run(graph_workflow(shape, host.tape))
    assert end is not None
    tape = host.tape
    event(end["outcome"])
    # A graph is interrupted unless all of it was over; a workflow that returns then has decided to.
    assert end["outcome"] == ("terminated" if ("returned",) in tape else "cancelled"), (end, tape)
    sent = [item["inputs"]["name"] for item in host.books.sent]
    if "cancel" not in tape or ("knows before",) in tape:
        assert end["outcome"] == "terminated"
    else:
        read = tape.index("cancel")
        names = {
            item["id"]: item["inputs"]["name"] for item in host.books.sent if item["id"] not in host.unaware
        }
        after = {names[item] for item in tape[read:] if isinstance(item, str) and item in names}
        if ("polled",) in tape:
            # In a workflow that asks, a function that was begun decides by itself when it stops.
            after = {name for name in after if not name.startswith("inside")}
        assert after <= {"undo"}, tape
    if ("returned",) in tape and ("knows",) not in tape:
        # Nothing interrupted it, so all of it was run.
        expected = {f"task {number}" for number, kind in enumerate(shape.tasks) if kind in "012"}
        assert expected <= set(sent)
    if ("begin", "undo") in tape:
        (undo,) = [task for task in host.books.tasks.values() if label_of(task) == "undo"]
        assert undo["state"] == "succeeded"


def label_of(task: dict[str, Any]) -> Any:
    return (task.get("parameters") or {}).get("inputs", {}).get("name")
