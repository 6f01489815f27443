"""What a workflow is going to do to which node instances, shown before it does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from cloudwright.workflow.context import WorkflowContext

_SIGNS = {"replace": "-/+", "add": "+", "update": "~", "remove": "-"}
_WORDS = {"replace": "to recreate", "add": "to add", "update": "to change", "remove": "to remove"}


def show_plan(ctx: WorkflowContext, changes: Sequence[Mapping[str, Any]]) -> None:
    """Record an event with ``changes``, each ``{id, node_id, action, reason}``, and a line for each."""
    counts = Counter(change["action"] for change in changes)
    total = ", ".join(f"{counts[action]} {words}" for action, words in _WORDS.items() if counts[action])
    ctx.internal.event(
        "workflow_stage", f"Plan: {total or 'nothing to do'}", details={"instance_changes": list(changes)}
    )
    for change in changes:
        ctx.logger.info("%s `%s` (%s)", _SIGNS[change["action"]], change["id"], change["reason"])
