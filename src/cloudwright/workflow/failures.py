"""The error of a workflow whose tasks failed."""

from __future__ import annotations

from collections.abc import Sequence

from cloudwright.model.operation import headline
from cloudwright.workflow.errors import WorkflowFailed
from cloudwright.workflow.tasks import SubgraphTask, WorkflowTask

#: The most failed tasks that a message names; more are counted.
MAX_NAMED = 20


def workflow_failed(tasks: Sequence[WorkflowTask]) -> WorkflowFailed:
    """Return the error for ``tasks``, at least one, in the order in which they failed."""
    culprits = [task.root_failure() if isinstance(task, SubgraphTask) else task for task in tasks]
    lines = [describe(task) for task in culprits[:MAX_NAMED]]
    if len(culprits) > MAX_NAMED:
        lines.append(f"and {len(culprits) - MAX_NAMED} more")
    message = lines[0] if len(culprits) == 1 else f"{len(culprits)} tasks failed:\n" + "\n".join(lines)
    traceback = next(
        (task.failure.traceback for task in culprits if task.failure and task.failure.traceback), ""
    )
    return WorkflowFailed(message, hide_traceback=True, traceback=traceback)


def describe(task: WorkflowTask) -> str:
    """Return one sentence that says which task failed and why."""
    if task.failure is not None:
        why = task.failure.headline
    elif task.error is not None:
        why = headline(type(task.error).__name__, str(task.error))
    else:
        why = "its handler let it fail"
    tried = f" in {task.current_retries + 1} attempts" if task.current_retries else ""
    return f"{task.short_description} failed{tried}: {why}"
