"""``cloudify.workflows.tasks``."""

from cloudwright.workflow.inline_tasks import DryRunTask as DryRunLocalWorkflowTask
from cloudwright.workflow.inline_tasks import (
    NOPLocalWorkflowTask,
    SendNodeEventTask,
    SendWorkflowEventTask,
    SetNodeInstanceStateTask,
)
from cloudwright.workflow.local_tasks import GetNodeInstanceStateTask, LocalWorkflowTask
from cloudwright.workflow.operation_task import OperationTask as RemoteWorkflowTask
from cloudwright.workflow.task_result import WorkflowTaskResult
from cloudwright.workflow.task_state import (
    TASK_FAILED,
    TASK_PENDING,
    TASK_RESCHEDULED,
    TASK_SENDING,
    TASK_SENT,
    TASK_STARTED,
    TASK_SUCCEEDED,
    TERMINATED_STATES,
)
from cloudwright.workflow.tasks import (
    DEFAULT_RETRY_INTERVAL,
    DEFAULT_SEND_TASK_EVENTS,
    DEFAULT_SUBGRAPH_TOTAL_RETRIES,
    DEFAULT_TOTAL_RETRIES,
    INFINITE_TOTAL_RETRIES,
    HandlerResult,
    WorkflowTask,
)

__all__ = [
    "DEFAULT_RETRY_INTERVAL",
    "DEFAULT_SEND_TASK_EVENTS",
    "DEFAULT_SUBGRAPH_TOTAL_RETRIES",
    "DEFAULT_TOTAL_RETRIES",
    "INFINITE_TOTAL_RETRIES",
    "TASK_FAILED",
    "TASK_PENDING",
    "TASK_RESCHEDULED",
    "TASK_SENDING",
    "TASK_SENT",
    "TASK_STARTED",
    "TASK_SUCCEEDED",
    "TERMINATED_STATES",
    "DryRunLocalWorkflowTask",
    "GetNodeInstanceStateTask",
    "HandlerResult",
    "LocalWorkflowTask",
    "NOPLocalWorkflowTask",
    "RemoteWorkflowTask",
    "SendNodeEventTask",
    "SendWorkflowEventTask",
    "SetNodeInstanceStateTask",
    "WorkflowTask",
    "WorkflowTaskResult",
]
