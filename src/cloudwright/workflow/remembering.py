"""Values that a workflow decides on once: a resumed one gets what was decided before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudwright.workflow.context import WorkflowContext
from cloudwright.workflow.inline_tasks import SendWorkflowEventTask


def decided(ctx: WorkflowContext, name: str, decide: Callable[[], Any], message: str) -> Any:
    """Return what ``decide()`` returns, JSON; in a resumed workflow, what it returned before.

    It is stored before this returns, as an event with ``message`` that shows it.
    """
    stored = ctx.internal.stored.take(name)
    if stored is not None:
        return stored["tasks"][0]["parameters"]["additional_context"]["decided"]
    value = decide()
    graph = ctx.graph_mode()
    graph.add_task(SendWorkflowEventTask(message, ctx, additional_context={"decided": value}))
    if not ctx.dry_run:
        graph.store(name)
    graph.execute()
    return value
