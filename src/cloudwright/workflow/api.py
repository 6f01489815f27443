"""What a workflow asks and answers about its cancellation."""

from __future__ import annotations

from cloudwright.child.errors import NotInContext
from cloudwright.workflow.current import current_workflow_ctx
from cloudwright.workflow.errors import ExecutionCancelled

__all__ = ["EXECUTION_CANCELLED_RESULT", "ExecutionCancelled", "has_cancel_request", "has_kill_request"]

#: What a workflow function that was cancelled may return instead of raising ExecutionCancelled.
EXECUTION_CANCELLED_RESULT = "execution_cancelled"


def has_cancel_request() -> bool:
    """Whether the execution was asked to stop.

    A workflow that asks decides by itself when it stops: what it waits for is not interrupted any more (see
    ``cloudwright.workflow.cancellation``). When it has stopped, and cleaned up with as many operations as it
    takes, it raises ExecutionCancelled. It may also go on and end as if it had not been asked.
    """
    try:
        connection = current_workflow_ctx.get_ctx().internal.connection
    except NotInContext:
        return False
    connection.look()
    answer: bool = connection.cancellation.poll()
    return answer


def has_kill_request() -> bool:
    """Always False: a forced cancellation or a kill ends the workflow's process at once, and it never
    learns of it.
    """
    return False
