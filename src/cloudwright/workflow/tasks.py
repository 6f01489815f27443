"""Tasks: what a workflow wants done, how it ended, and what its handlers say about that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cloudwright.model.operation import Failure
from cloudwright.workflow.values import new_id

if TYPE_CHECKING:
    from cloudwright.workflow.context import WorkflowContext
    from cloudwright.workflow.graph import TaskDependencyGraph
    from cloudwright.workflow.subgraph import SubgraphTask

TASK_PENDING = "pending"
TASK_SENDING = "sending"
TASK_SENT = "sent"
TASK_STARTED = "started"
TASK_RESCHEDULED = "rescheduled"
TASK_SUCCEEDED = "succeeded"
TASK_FAILED = "failed"
#: What the host says of an operation that was revoked before it began.
TASK_CANCELLED = "cancelled"

TERMINATED_STATES = [TASK_SUCCEEDED, TASK_FAILED]

INFINITE_TOTAL_RETRIES = -1
DEFAULT_TOTAL_RETRIES = INFINITE_TOTAL_RETRIES
DEFAULT_RETRY_INTERVAL = 30
DEFAULT_SUBGRAPH_TOTAL_RETRIES = 0
DEFAULT_SEND_TASK_EVENTS = True


class HandlerResult:
    """What is to become of a task that has ended: the answer of its ``on_success`` or ``on_failure`` handler.

    ``retried_task`` replaces the task where it is set: a subgraph is retried by another subgraph.
    """

    HANDLER_RETRY = "handler_retry"
    HANDLER_FAIL = "handler_fail"
    HANDLER_IGNORE = "handler_ignore"
    HANDLER_CONTINUE = "handler_continue"

    def __init__(
        self, action: str, ignore_total_retries: bool = False, retry_after: float | None = None
    ) -> None:
        self.action = action
        self.ignore_total_retries = ignore_total_retries
        self.retry_after = retry_after
        self.retried_task: WorkflowTask | None = None

    def __repr__(self) -> str:
        return f"<HandlerResult: {self.action}>"

    @classmethod
    def retry(cls, ignore_total_retries: bool = False, retry_after: float | None = None) -> HandlerResult:
        """Run the task again, after ``retry_after`` seconds or its own interval, while retries are left."""
        return cls(cls.HANDLER_RETRY, ignore_total_retries, retry_after)

    @classmethod
    def fail(cls) -> HandlerResult:
        """The task has failed, and so has what it is part of."""
        return cls(cls.HANDLER_FAIL)

    @classmethod
    def cont(cls) -> HandlerResult:
        """Go on with what depends on the task."""
        return cls(cls.HANDLER_CONTINUE)

    @classmethod
    def ignore(cls) -> HandlerResult:
        """Go on with what depends on the task, although it failed."""
        return cls(cls.HANDLER_IGNORE)


Handler = Callable[[Any], HandlerResult]


class WorkflowTaskResult:
    """What will come of a task. ``result`` is its value, or the exception that it failed with."""

    def __init__(self, task: WorkflowTask) -> None:
        self.task = task
        self._set = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []

    @property
    def is_set(self) -> bool:
        return self._set

    @property
    def value(self) -> Any:
        """What the task returned; None where it failed or has not ended."""
        return self._value

    @property
    def result(self) -> Any:
        if not self._set:
            raise RuntimeError(f"{self.task!r} has not ended yet.")
        return self._value if self._error is None else self._error

    def on_result(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call ``callback(result, *args, **kwargs)`` once the task has ended for good."""
        if self._set:
            callback(self.result, *args, **kwargs)
        else:
            self._callbacks.append((callback, args, kwargs))

    def get(self, retry_on_failure: bool = True, timeout: float | None = None) -> Any:
        """Wait for the task's end, its retries included, and return its result.

        Raises the task's error; TimeoutError after ``timeout`` seconds, when the task goes on; and
        ExecutionCancelled where the execution is asked to stop and the workflow never asks about that itself
        (see ``cloudwright.workflow.cancellation``).
        """
        if not self._set:
            if not retry_on_failure:
                self.task.total_retries = 0
            self.task.workflow_context.internal.wait_for(self.task, timeout)
        if self._error is not None:
            raise self._error
        return self._value

    def settle(self, value: Any, error: BaseException | None) -> None:
        """The task has ended; for handlers to look at, and for good once ``announce`` is called."""
        self._set, self._value, self._error = True, value, error

    def unsettle(self) -> None:
        """The task is run again after all."""
        self._set, self._value, self._error = False, None, None

    def announce(self) -> None:
        callbacks, self._callbacks = self._callbacks, []
        for callback, args, kwargs in callbacks:
            callback(self.result, *args, **kwargs)


class WorkflowTask:
    """A task. What runs it is its graph; see the subclasses for what it does.

    ``on_success`` and ``on_failure`` are called with the task when it has ended and answer a HandlerResult.
    ``total_retries`` of -1 is without end; ``retry_interval`` is in seconds. ``info`` is free for whoever
    made the task.
    """

    #: What a stored graph calls tasks of this class.
    kind = ""
    #: Bookkeeping that is done on the spot, even after a failure elsewhere, so that what is stored stays
    #: true.
    inline = False
    is_subgraph = False

    def __init__(
        self,
        workflow_context: WorkflowContext,
        task_id: str | None = None,
        info: Any = None,
        on_success: Handler | None = None,
        on_failure: Handler | None = None,
        total_retries: int = DEFAULT_TOTAL_RETRIES,
        retry_interval: float = DEFAULT_RETRY_INTERVAL,
        send_task_events: bool = DEFAULT_SEND_TASK_EVENTS,
    ) -> None:
        self.id = task_id or new_id()
        self.workflow_context = workflow_context
        self.info = info
        self.on_success = on_success
        self.on_failure = on_failure
        self.total_retries = total_retries
        self.retry_interval = retry_interval
        self.send_task_events = send_task_events
        self.current_retries = 0
        self.containing_subgraph: SubgraphTask | None = None
        self.async_result = WorkflowTaskResult(self)
        #: Why the last attempt failed, for an operation; its ``kind`` names the exception.
        self.failure: Failure | None = None
        #: The id of the task that this one is run in the place of.
        self.replaces: str | None = None
        #: Where it stood in its graph when that was stored; None for one that was added later.
        self.place: int | None = None
        #: Whether the task is part of a stored graph, so that its state is stored as well.
        self.stored = False
        # The rest belongs to the graph.
        self._graph: TaskDependencyGraph | None = None
        self._state = TASK_PENDING
        self._blockers: set[WorkflowTask] = set()
        self._dependents: dict[WorkflowTask, None] = {}

    def __repr__(self) -> str:
        return f"<{self.task_type} {self.id}: {self.name}>"

    def __str__(self) -> str:
        return f"{self.name}({self.info or ''})"

    @property
    def name(self) -> str:
        return self.task_type

    @property
    def short_description(self) -> str:
        """What the task is, for messages."""
        return f"`{self.name}`"

    @property
    def task_type(self) -> str:
        return type(self).__name__

    @property
    def cloudify_context(self) -> dict[str, Any]:
        """What an operation runs on, as a dictionary; empty for other tasks."""
        return {}

    @property
    def is_terminated(self) -> bool:
        return self._state in TERMINATED_STATES

    @property
    def error(self) -> BaseException | None:
        """What the task failed with, or None."""
        return self.async_result._error

    def get_state(self) -> str:
        """One of the TASK_ constants; ``rescheduled`` is one that failed and will run again."""
        return self._state

    def is_local(self) -> bool:
        """Whether the task runs inside the workflow's process."""
        return True

    def is_remote(self) -> bool:
        return not self.is_local()

    def is_nop(self) -> bool:
        """Whether the task does nothing."""
        return False

    def apply_async(self) -> WorkflowTaskResult:
        """Run the task now, outside of any graph's order."""
        self.workflow_context.internal.launch(self)
        return self.async_result

    def subject(self) -> dict[str, Any]:
        """What an event about this task is about."""
        return {}

    def parameters(self) -> dict[str, Any]:
        """What, stored, makes an equal task again."""
        return {}

    def subgraphs(self) -> Iterator[SubgraphTask]:
        """The subgraphs that contain the task, the innermost first."""
        subgraph = self.containing_subgraph
        while subgraph is not None:
            yield subgraph
            subgraph = subgraph.containing_subgraph

    def run(self) -> Any:
        """Do what the task is for, in the workflow's process, and return its result."""
        raise NotImplementedError
