"""Decides whether a task that has ended is retried: by its handlers, or else by the retry policy."""

from __future__ import annotations

from cloudwright.child.errors import NonRecoverableError, OperationRetry
from cloudwright.model.operation import AGENT_IS_AWAY, RetryPolicy, retry_delay
from cloudwright.workflow.errors import ExecutionCancelled
from cloudwright.workflow.task_state import TASK_SUCCEEDED
from cloudwright.workflow.tasks import INFINITE_TOTAL_RETRIES, HandlerResult, WorkflowTask


def verdict_on(task: WorkflowTask) -> HandlerResult:
    """Return what follows a task that has ended: its graph continues, the task is retried, or it fails.

    Raises TypeError if a handler returns something else than a HandlerResult.
    """
    if task.status.status == TASK_SUCCEEDED:
        verdict = task.on_success(task) if task.on_success else HandlerResult.cont()
    else:
        verdict = _verdict_on_failure(task)
    if not isinstance(verdict, HandlerResult):
        raise TypeError(
            f"A handler of {task.short_description} returned {verdict!r}; it must return a HandlerResult."
        )
    return verdict


def _verdict_on_failure(task: WorkflowTask) -> HandlerResult:
    error = task.error
    if isinstance(error, ExecutionCancelled):
        # It stopped because the execution is to be cancelled. That is not a failure to handle or to repeat.
        return HandlerResult.fail()
    if isinstance(error, OperationRetry):
        # The task itself asks to be run again: nothing went wrong, so its handler is not called.
        return HandlerResult.retry(retry_after=error.retry_after)
    if task.on_failure is not None:
        return task.on_failure(task)
    if task.is_subgraph:
        return HandlerResult.fail()
    if task.failure is not None and task.failure.kind == AGENT_IS_AWAY:
        # The manager says so of what an uninstallation can do without.
        return HandlerResult.ignore()
    if task.failure is None:
        if isinstance(error, NonRecoverableError) or not isinstance(error, Exception):
            return HandlerResult.fail()
        wished = getattr(error, "retry_after", None)
        delay = _policy(task).delay(task.current_retries + 1) if wished is None else wished
        return HandlerResult.retry(retry_after=delay)
    delay = retry_delay(_policy(task), task.current_retries + 1, task.failure)
    return HandlerResult.fail() if delay is None else HandlerResult.retry(retry_after=delay)


def _policy(task: WorkflowTask) -> RetryPolicy:
    return RetryPolicy(task.total_retries, task.retry_interval, task.retry_backoff)


def may_retry(task: WorkflowTask, verdict: HandlerResult) -> bool:
    """Return whether ``task`` may be tried again, as ``verdict`` asks: retries are left, and nothing that
    contains it has failed.
    """
    if any(subgraph.failing for subgraph in task.subgraphs()):
        return False
    return (
        verdict.ignore_total_retries
        or task.total_retries == INFINITE_TOTAL_RETRIES
        or task.current_retries < task.total_retries
    )
