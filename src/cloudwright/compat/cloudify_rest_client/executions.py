"""``cloudify_rest_client.executions``."""

from cloudwright.model.execution import END_STATUSES, ExecutionStatus
from cloudwright.operation.rest_client import Record

__all__ = ["Execution"]


class Execution(Record):
    """An execution; its statuses by the names that plugins use."""

    SCHEDULED = ExecutionStatus.SCHEDULED.value
    QUEUED = ExecutionStatus.QUEUED.value
    PENDING = ExecutionStatus.PENDING.value
    STARTED = ExecutionStatus.STARTED.value
    CANCELLING = ExecutionStatus.CANCELLING.value
    FORCE_CANCELLING = ExecutionStatus.FORCE_CANCELLING.value
    KILL_CANCELLING = ExecutionStatus.KILL_CANCELLING.value
    CANCELLED = ExecutionStatus.CANCELLED.value
    TERMINATED = ExecutionStatus.TERMINATED.value
    FAILED = ExecutionStatus.FAILED.value
    END_STATES = tuple(status.value for status in END_STATUSES)
