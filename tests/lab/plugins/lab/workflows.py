"""Workflows of every temper."""

from __future__ import annotations

import os
import sys
import time

from cloudify.decorators import workflow
from cloudify.workflows import api

from lab.operations import write


def thing(ctx):
    return next(iter(ctx.get_node("thing").instances))


def act(ctx, name, seconds=0, operation="lab.act", **kwargs):
    given = {"name": name, "seconds": seconds, **kwargs}
    return thing(ctx).execute_operation(operation, kwargs=given, allow_kwargs_override=True)


@workflow(resumable=True)
def chain(ctx, steps, seconds, operation, kwargs, **_):
    """One task after the other in a graph: the graph answers a cancellation by itself."""
    graph = ctx.graph_mode()
    sequence = graph.sequence()
    for number in range(int(steps)):
        sequence.add(act(ctx, f"step{number}", seconds, operation, **kwargs))
    graph.execute()


@workflow(resumable=True)
def polite(ctx, steps, seconds, **_):
    for number in range(int(steps)):
        if api.has_cancel_request():
            raise api.ExecutionCancelled()
        task = act(ctx, f"step{number}", seconds)
        while not api.has_cancel_request():
            try:
                task.get(timeout=0.05)
                break
            except TimeoutError:
                continue


@workflow(resumable=True)
def old_polite(ctx, **_):
    """The older way to say it."""
    ctx.send_event("waiting for a cancel request")
    while not api.has_cancel_request():
        time.sleep(0.01)
    return api.EXECUTION_CANCELLED_RESULT


@workflow(resumable=True)
def ignoring(ctx, steps, seconds, gate, **_):
    """Asks, and goes on whatever the answer is. With a gate, it waits at its end until that file exists."""
    api.has_cancel_request()
    for number in range(int(steps)):
        act(ctx, f"step{number}", seconds).get()
    ctx.send_event("at the gate")
    while gate and not os.path.exists(gate):
        time.sleep(0.01)


@workflow(resumable=True)
def gated(ctx, gate, tape, **_):
    """Runs an operation when the gate is there, without having asked whether it is to stop."""
    ctx.send_event("at the gate")
    while not os.path.exists(gate):
        time.sleep(0.001)
    late = act(ctx, "late")
    write(tape, "asked")
    late.get()


@workflow(resumable=True)
def rolling_back(ctx, steps, **_):
    done = []
    for number in range(int(steps)):
        act(ctx, f"step{number}").get()
        done.append(f"step{number}")
    ctx.send_event("waiting for a cancel request")
    while not api.has_cancel_request():
        time.sleep(0.01)
    for name in reversed(done):
        act(ctx, f"undo-{name}").get()
    raise api.ExecutionCancelled()


@workflow(resumable=True)
def fails_while_cancelling(ctx, **_):
    ctx.send_event("waiting for a cancel request")
    while not api.has_cancel_request():
        time.sleep(0.01)
    raise RuntimeError("the clean-up went wrong")


@workflow
def spinning(ctx, **_):
    """Never asks, never waits."""
    ctx.send_event("round and round")
    while True:
        pass


@workflow
def unresumable(ctx, seconds, **_):
    act(ctx, "only", seconds).get()


@workflow
def misbehaving(ctx, how, **_):
    if how == "exit":
        print("about to leave", flush=True)
        os._exit(3)
    if how == "raise":
        raise ValueError("a wrong value")
    if how == "recurse":
        return misbehaving(ctx=ctx, how=how)
    if how == "memory":
        hoard = []
        while True:
            hoard.append(bytearray(64 << 20))
    if how == "close":
        os.closerange(3, 256)
        time.sleep(600)
    if how == "print":
        for _number in range(1000):
            print("x" * 100_000)
    if how == "binary":
        sys.stdout.buffer.write(bytes(range(256)) * 64)
        sys.stdout.flush()
    if how == "system_exit":
        sys.exit(4)
    if how == "ask":
        # Without the id that belongs there: whoever answers meets what nobody expected.
        try:
            ctx.internal.connection.call("node_instance")
        except Exception as error:
            ctx.send_event(f"it was told {type(error).__name__}: {error}")
        act(ctx, "after").get()
    return None
