"""Taking down what a workflow began to install and did not finish."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cloudwright.builtin import lifecycle
from cloudwright.model.modification import GONE
from cloudwright.workflow.context import WorkflowContext
from cloudwright.workflow.errors import WorkflowFailed
from cloudwright.workflow.topology import WorkflowNodeInstance

#: What a cancel does: leave what there is, or take it back.
STOP, ROLLBACK = "stop", "rollback"


def take_back(
    ctx: WorkflowContext,
    ids: Sequence[str],
    related: Sequence[str],
    *,
    name_prefix: str,
    ignore_failure: bool = False,
) -> str:
    """Take instances down. Return a sentence that describes the result. ``related`` are instances that stay.

    First undo instances that stopped in the middle of a step, then remove every one whose creation began.
    """
    trouble = None
    try:
        ctx.refresh_node_instances()
        lifecycle.rollback_node_instances(
            ctx.graph_mode(),
            _found(ctx, ids),
            _found(ctx, related),
            name_prefix=name_prefix,
            ignore_failure=ignore_failure,
        )
        ctx.refresh_node_instances()
        lifecycle.uninstall_node_instances(
            ctx.graph_mode(),
            [one for one in _found(ctx, ids) if one.state not in GONE],
            ignore_failure,
            _found(ctx, related),
            name_prefix=f"{name_prefix}rollback-",
        )
    except WorkflowFailed as error:
        trouble = str(error)
    ctx.refresh_node_instances()
    live = [one.id for one in _found(ctx, ids) if one.state not in GONE]
    said = f"Rolled back: {len(ids) - len(live)} undone"
    if live:
        said += f", {len(live)} left behind ({', '.join(live)})"
    return said if trouble is None else f"{said}; {trouble}"


def _found(ctx: WorkflowContext, ids: Iterable[str]) -> list[WorkflowNodeInstance]:
    return [one for one in map(ctx.get_node_instance, ids) if one is not None]
