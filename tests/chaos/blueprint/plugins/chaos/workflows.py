"""Workflows of every temper. Each is given its steps, and the event log on which it says that it runs."""

from __future__ import annotations

import functools
import time

from cloudify.decorators import workflow
from cloudify.workflows import api

from chaos.event_log import hold, write


def taped(function):
    @functools.wraps(function)
    def call(ctx, event_log, **parameters):
        lock = hold(event_log, ctx.execution_id)
        write(event_log, "workflow" if lock is not None else "twin", ctx.execution_id, "workflow")
        try:
            return function(ctx, event_log=event_log, **parameters)
        finally:
            write(event_log, "workflow_end", ctx.execution_id, "workflow")

    return call


def run(ctx, event_log, number, step):
    things = sorted(ctx.get_node("thing").instances, key=lambda instance: instance.id)
    operation = step["operation"]
    kwargs = {key: value for key, value in step.items() if key != "operation"}
    return things[number % len(things)].execute_operation(
        operation, kwargs=kwargs | {"event_log": event_log}, allow_kwargs_override=True
    )


@workflow(resumable=True)
@taped
def chain(ctx, event_log, steps, **_):
    in_sequence(ctx, event_log, steps)


@workflow
@taped
def fragile(ctx, event_log, steps, **_):
    in_sequence(ctx, event_log, steps)


def in_sequence(ctx, event_log, steps):
    graph = ctx.graph_mode()
    sequence = graph.sequence()
    for number, step in enumerate(steps):
        sequence.add(run(ctx, event_log, number, step))
    graph.execute()


@workflow(resumable=True)
@taped
def wide(ctx, event_log, steps, **_):
    graph = ctx.graph_mode()
    for number, step in enumerate(steps):
        graph.add_task(run(ctx, event_log, number, step))
    graph.execute()


@workflow(resumable=True)
@taped
def polite(ctx, event_log, steps, **_):
    for number, step in enumerate(steps):
        if api.has_cancel_request():
            raise api.ExecutionCancelled()
        task = run(ctx, event_log, number, step)
        while not api.has_cancel_request():
            try:
                task.get(timeout=0.05)
                break
            except TimeoutError:
                continue


@workflow(resumable=True)
@taped
def ignoring(ctx, event_log, steps, **_):
    api.has_cancel_request()
    for number, step in enumerate(steps):
        run(ctx, event_log, number, step).get()


@workflow(resumable=True)
@taped
def deaf(ctx, event_log, steps, **_):
    """Is interrupted, and goes on all the same."""
    for number, step in enumerate(steps):
        try:
            run(ctx, event_log, number, step).get()
        except api.ExecutionCancelled:
            continue


@workflow(resumable=True)
@taped
def rolling_back(ctx, event_log, steps, **_):
    done = []
    for number, step in enumerate(steps):
        if api.has_cancel_request():
            break
        run(ctx, event_log, number, step).get()
        done.append((number, step["name"]))
    patience = time.monotonic() + 3
    while not api.has_cancel_request() and time.monotonic() < patience:
        time.sleep(0.01)
    if api.has_cancel_request():
        for number, name in reversed(done):
            run(ctx, event_log, number, {"operation": "chaos.act", "name": f"undo-{name}"}).get()
        raise api.ExecutionCancelled()


@workflow
@taped
def spinning(ctx, event_log, **_):
    """Never asks, never waits."""
    while True:
        pass
