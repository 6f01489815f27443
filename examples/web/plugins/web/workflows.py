"""Workflows of different manners: what becomes of each when its execution is cancelled."""

import time

from cloudify.decorators import workflow
from cloudify.workflows import api, ctx
from cloudify.workflows.tasks_graph import make_or_get_graph


@workflow
def long_task(seconds, rounds, **_):
    """Obeys: a graph starts nothing more once it is asked to stop."""
    graph = ctx.graph_mode()
    _add_rounds(graph, seconds, rounds)
    graph.execute()


@workflow
def polite(seconds, **_):
    """Cleans up: asked to stop, it takes back what it did, and only then is cancelled."""
    marked = []
    for page in _pages():
        page.execute_operation("web.interfaces.work.mark").get()
        marked.append(page)
        _pause(float(seconds))
        if api.has_cancel_request():
            ctx.send_event(f"Asked to stop: taking back the marks made so far, {len(marked)} of them")
            for done in reversed(marked):
                done.execute_operation("web.interfaces.work.unmark").get()
            raise api.ExecutionCancelled("Everything was taken back")


@workflow
def stubborn(seconds, **_):
    """Ignores the request: it ends when it is done, and then it has not been cancelled. Force stops it."""
    deadline = time.monotonic() + float(seconds)
    while time.monotonic() < deadline:
        if api.has_cancel_request():
            ctx.send_event("Asked to stop, and going on")
        time.sleep(1)


@workflow
def hang(seconds, **_):
    """Its operation hangs and ignores SIGTERM: a kill ends it after five seconds."""
    page = _pages()[0]
    page.execute_operation("web.interfaces.work.hang", kwargs={"seconds": seconds}).get()


@workflow(resumable=True)
def resumable(seconds, rounds, **_):
    """Goes on where it was stopped when the execution is resumed: its graph is stored, with what was done."""
    graph = _stored_graph(ctx, name="resumable", seconds=seconds, rounds=rounds)
    graph.execute()


@make_or_get_graph
def _stored_graph(ctx, seconds, rounds):
    graph = ctx.graph_mode()
    _add_rounds(graph, seconds, rounds)
    return graph


def _pages():
    return list(ctx.get_node("page").instances)


def _add_rounds(graph, seconds, rounds):
    """Every page goes through its tasks one after the other, all pages at the same time."""
    for page in _pages():
        sequence = graph.sequence()
        for _ in range(int(rounds)):
            sequence.add(page.execute_operation("web.interfaces.work.work", kwargs={"seconds": seconds}))


def _pause(seconds):
    """Sleep, but not through a request to stop."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not api.has_cancel_request():
        time.sleep(0.05)
