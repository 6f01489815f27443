"""The request to cancel an execution, for its workflow's function."""

from __future__ import annotations

from cloudwright.child.errors import NotInContext
from cloudwright.workflow.current import current_workflow_ctx
from cloudwright.workflow.errors import ExecutionCancelled

__all__ = ["EXECUTION_CANCELLED_RESULT", "ExecutionCancelled", "has_cancel_request", "has_kill_request"]

#: The value that a workflow's function may return instead of raising ExecutionCancelled.
EXECUTION_CANCELLED_RESULT = "execution_cancelled"


def has_cancel_request() -> bool:
    """Return whether the execution is to be cancelled.

    A workflow that calls this decides by itself when it stops: what it waits for is not interrupted any more
    (see ``cloudwright.workflow.cancellation``). When it has stopped, and cleaned up with as many operations
    as it takes, it raises ExecutionCancelled. It may also continue, and end as if there were no request.

    Returns:
        True from the moment when the request is known to the workflow's process; False before, and outside of
        a workflow.
    """
    try:
        connection = current_workflow_ctx.get_ctx().internal.connection
    except NotInContext:
        return False
    connection.look()
    answer: bool = connection.cancellation.poll()
    return answer


def has_kill_request() -> bool:
    """Return False: a forced cancellation or a kill ends the workflow's process at once, so that it never
    learns of one.
    """
    return False
