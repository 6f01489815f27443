"""The result of a task: what a workflow waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from cloudwright.workflow.task_state import TaskState


class AwaitedTask(Protocol):
    """A task, as its result uses it."""

    total_retries: int

    @property
    def status(self) -> TaskState: ...

    def wait(self, timeout: float | None) -> None:
        """Return when the task has ended for good."""

    def acknowledge(self, error: BaseException) -> None:
        """Record that the workflow is about to see ``error``."""


class WorkflowTaskResult:
    """The result of a task that may not have ended yet.

    ``task`` is the task; ``get()`` waits for its end.
    """

    def __init__(self, task: AwaitedTask) -> None:
        self.task = task
        self._callbacks: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []

    @property
    def is_set(self) -> bool:
        """Whether there is a result: the task has ended, and is not tried again."""
        return self.task.status.is_set

    @property
    def value(self) -> Any:
        """The value that the task returned; None if it failed or has not ended."""
        return self.task.status.value

    @property
    def result(self) -> Any:
        """The value that the task returned, or the exception that it failed with.

        Raises:
            RuntimeError: The task has not ended.
        """
        status = self.task.status
        if not status.is_set:
            raise RuntimeError(f"{self.task!r} has not ended yet.")
        status.observed = True
        return status.value if status.error is None else status.error

    def on_result(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call ``callback(result, *args, **kwargs)`` when the task has ended for good, or now if it has."""
        if self.is_set:
            callback(self.result, *args, **kwargs)
        else:
            self._callbacks.append((callback, args, kwargs))

    def get(self, retry_on_failure: bool = True, timeout: float | None = None) -> Any:
        """Wait for the end of the task, its retries included, and return what it returned.

        Parameters:
            retry_on_failure: False to have the task not tried again after a failure.
            timeout: Seconds to wait at most; None waits without a limit. The task is not ended.

        Raises:
            TimeoutError: The task did not end within ``timeout``.
            ExecutionCancelled: The execution is to be cancelled, and the workflow neither knew that nor
                asks about it (see ``cloudwright.workflow.cancellation``); or the task was never begun
                because of that.
            Exception: The error that the task failed with.
        """
        status = self.task.status
        if not status.is_set:
            if not retry_on_failure:
                self.task.total_retries = 0
            self.task.wait(timeout)
        status.observed = True
        if status.error is not None:
            self.task.acknowledge(status.error)
            raise status.error
        return status.value

    def announce(self) -> None:
        """Call the callbacks: the task has ended for good."""
        callbacks, self._callbacks = self._callbacks, []
        for callback, args, kwargs in callbacks:
            callback(self.result, *args, **kwargs)
