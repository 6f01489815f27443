"""``cloudify.workflows.workflow_api``: the longer name of ``api``."""

from cloudwright.workflow.api import (
    EXECUTION_CANCELLED_RESULT,
    ExecutionCancelled,
    has_cancel_request,
    has_kill_request,
)

__all__ = ["EXECUTION_CANCELLED_RESULT", "ExecutionCancelled", "has_cancel_request", "has_kill_request"]
