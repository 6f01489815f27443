"""Workflows of every temper. Each is given its steps, and the tape on which it says that it runs."""

from __future__ import annotations

import functools
import time

from cloudify.decorators import workflow
from cloudify.workflows import api

from chaos.tape import hold, write


def taped(function):
    @functools.wraps(function)
    def call(ctx, tape, **parameters):
        lock = hold(tape, ctx.execution_id)
        write(tape, "workflow" if lock is not None else "twin", ctx.execution_id, "workflow")
        try:
            return function(ctx, tape=tape, **parameters)
        finally:
            write(tape, "workflow_end", ctx.execution_id, "workflow")

    return call


def run(ctx, tape, number, step):
    things = sorted(ctx.get_node("thing").instances, key=lambda instance: instance.id)
    operation = step["operation"]
    kwargs = {key: value for key, value in step.items() if key != "operation"}
    return things[number % len(things)].execute_operation(
        operation, kwargs=kwargs | {"tape": tape}, allow_kwargs_override=True
    )


@workflow(resumable=True)
@taped
def chain(ctx, tape, steps, **_):
    in_sequence(ctx, tape, steps)


@workflow
@taped
def fragile(ctx, tape, steps, **_):
    in_sequence(ctx, tape, steps)


def in_sequence(ctx, tape, steps):
    graph = ctx.graph_mode()
    sequence = graph.sequence()
    for number, step in enumerate(steps):
        sequence.add(run(ctx, tape, number, step))
    graph.execute()


@workflow(resumable=True)
@taped
def wide(ctx, tape, steps, **_):
    graph = ctx.graph_mode()
    for number, step in enumerate(steps):
        graph.add_task(run(ctx, tape, number, step))
    graph.execute()


@workflow(resumable=True)
@taped
def polite(ctx, tape, steps, **_):
    for number, step in enumerate(steps):
        if api.has_cancel_request():
            raise api.ExecutionCancelled()
        task = run(ctx, tape, number, step)
        while not api.has_cancel_request():
            try:
                task.get(timeout=0.05)
                break
            except TimeoutError:
                continue


@workflow(resumable=True)
@taped
def ignoring(ctx, tape, steps, **_):
    api.has_cancel_request()
    for number, step in enumerate(steps):
        run(ctx, tape, number, step).get()


@workflow(resumable=True)
@taped
def deaf(ctx, tape, steps, **_):
    """Is interrupted, and goes on all the same."""
    for number, step in enumerate(steps):
        try:
            run(ctx, tape, number, step).get()
        except api.ExecutionCancelled:
            continue


@workflow(resumable=True)
@taped
def rolling_back(ctx, tape, steps, **_):
    done = []
    for number, step in enumerate(steps):
        if api.has_cancel_request():
            break
        run(ctx, tape, number, step).get()
        done.append((number, step["name"]))
    patience = time.monotonic() + 3
    while not api.has_cancel_request() and time.monotonic() < patience:
        time.sleep(0.01)
    if api.has_cancel_request():
        for number, name in reversed(done):
            run(ctx, tape, number, {"operation": "chaos.act", "name": f"undo-{name}"}).get()
        raise api.ExecutionCancelled()


@workflow
@taped
def spinning(ctx, tape, **_):
    """Never asks, never waits."""
    while True:
        pass
