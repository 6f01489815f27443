"""Tasks, subgraphs and sequences of them: what a workflow wants done, in which order, and what its handlers
say about how it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias

from cloudwright.model.operation import Failure
from cloudwright.workflow.errors import ExecutionCancelled
from cloudwright.workflow.identifiers import new_id
from cloudwright.workflow.protocols import TaskContext
from cloudwright.workflow.task_result import WorkflowTaskResult
from cloudwright.workflow.task_state import TaskState

INFINITE_TOTAL_RETRIES = -1
DEFAULT_TOTAL_RETRIES = INFINITE_TOTAL_RETRIES
DEFAULT_RETRY_INTERVAL = 30
DEFAULT_SUBGRAPH_TOTAL_RETRIES = 0
DEFAULT_SEND_TASK_EVENTS = True


class HandlerResult:
    """The answer of an ``on_success`` or ``on_failure`` handler: what is to become of its task.

    ``retried_task``, if it is set, replaces the task: a subgraph is retried by another subgraph.
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
        """Run the task again.

        Parameters:
            ignore_total_retries: Run it again even if its retries are used up.
            retry_after: Seconds until then; None for the task's own interval.
        """
        return cls(cls.HANDLER_RETRY, ignore_total_retries, retry_after)

    @classmethod
    def fail(cls) -> HandlerResult:
        """Let the task fail, and with it the subgraph or graph that it is part of."""
        return cls(cls.HANDLER_FAIL)

    @classmethod
    def cont(cls) -> HandlerResult:
        """Continue with what depends on the task."""
        return cls(cls.HANDLER_CONTINUE)

    @classmethod
    def ignore(cls) -> HandlerResult:
        """Continue with what depends on the task although it failed."""
        return cls(cls.HANDLER_IGNORE)


Handler = Callable[[Any], HandlerResult]
#: The context of a workflow, as tasks use it.
Context: TypeAlias = "TaskContext[WorkflowTask]"


class TaskContainer(Protocol):
    """A graph, or a subgraph of one."""

    def add_task(self, task: WorkflowTask) -> None: ...

    def add_dependency(self, src_task: WorkflowTask, dst_task: WorkflowTask) -> None: ...

    def subgraph(self, name: str) -> SubgraphTask: ...


class TaskGraph(TaskContainer, Protocol):
    """The graph of a task, as the task and its subgraphs use it."""

    ctx: Any

    def remove_task(self, task: WorkflowTask) -> None: ...

    def new_subgraph(self, name: str) -> SubgraphTask: ...

    def launch(self, task: WorkflowTask) -> None: ...

    def wait_for(self, task: WorkflowTask, timeout: float | None, *, insist: bool = True) -> None: ...


class WorkflowTask:
    """A task. Its graph runs it; the subclasses say what it does.

    Parameters:
        workflow_context: The context of the workflow that the task belongs to.
        task_id: Its id; None for a new one.
        info: Free for the user of the task.
        on_success, on_failure: Called with the task when it has ended; they return a HandlerResult.
        total_retries: How often it is tried again after a failure; -1 for no limit.
        retry_interval: Seconds between one attempt and the next.
        retry_backoff: How many times as long each further retry waits, up to an hour.
        send_task_events: Whether its start and its end are events of the execution.
    """

    #: The name of tasks of this class in a stored graph.
    kind = ""
    #: Whether it only records something: it is done on the spot, even after a failure elsewhere, so that
    #: what is stored stays true.
    inline = False
    is_subgraph = False

    def __init__(
        self,
        workflow_context: Context,
        task_id: str | None = None,
        info: Any = None,
        on_success: Handler | None = None,
        on_failure: Handler | None = None,
        total_retries: int = DEFAULT_TOTAL_RETRIES,
        retry_interval: float = DEFAULT_RETRY_INTERVAL,
        send_task_events: bool = DEFAULT_SEND_TASK_EVENTS,
        retry_backoff: float = 1.0,
    ) -> None:
        self.id = task_id or new_id()
        self.workflow_context = workflow_context
        self.info = info
        self.on_success = on_success
        self.on_failure = on_failure
        self.total_retries = total_retries
        self.retry_interval = retry_interval
        self.retry_backoff = retry_backoff
        self.send_task_events = send_task_events
        self.current_retries = 0
        self.status = TaskState()
        self.async_result = WorkflowTaskResult(self)
        #: Why the last attempt failed, for an operation; its ``kind`` names the exception.
        self.failure: Failure | None = None
        #: The id of the task that this one is run in the place of.
        self.replaces: str | None = None
        #: Its number in its graph when that was stored; None for one that was added later.
        self.place: int | None = None
        #: Whether the task is part of a stored graph, so that its state is stored as well.
        self.stored = False
        self.containing_subgraph: SubgraphTask | None = None
        # Kept by its graph: the tasks that it waits for, and those that wait for it.
        self.graph: TaskGraph | None = None
        self.blockers: set[WorkflowTask] = set()
        self.dependents: dict[WorkflowTask, None] = {}

    def __repr__(self) -> str:
        return f"<{self.task_type} {self.id}: {self.name}>"

    def __str__(self) -> str:
        return f"{self.name}({self.info or ''})"

    @property
    def name(self) -> str:
        return self.task_type

    @property
    def short_description(self) -> str:
        """The task's name, for messages."""
        return f"`{self.name}`"

    @property
    def task_type(self) -> str:
        return type(self).__name__

    @property
    def cloudify_context(self) -> dict[str, Any]:
        """The subject of an operation as a dictionary; empty for other tasks."""
        return {}

    @property
    def is_terminated(self) -> bool:
        return self.status.is_terminated

    @property
    def error(self) -> BaseException | None:
        """The exception that the task failed with, or None."""
        return self.status.error

    def get_state(self) -> str:
        """Return one of the TASK_ constants; a ``rescheduled`` task has failed and will be tried again."""
        return self.status.status

    def is_local(self) -> bool:
        """Return whether the task runs inside the workflow's process."""
        return True

    def is_remote(self) -> bool:
        """Return whether the task runs on a worker."""
        return not self.is_local()

    def is_nop(self) -> bool:
        """Return whether the task does nothing."""
        return False

    def apply_async(self) -> WorkflowTaskResult:
        """Run the task now, outside of any graph's order, and return its result to come."""
        self.workflow_context.internal.launch(self)
        return self.async_result

    def wait(self, timeout: float | None) -> None:
        """Return when the task has ended for good; see ``WorkflowTaskResult.get``."""
        self.workflow_context.internal.wait_for(self, timeout)

    def acknowledge(self, error: BaseException) -> None:
        """Record that the workflow is about to see ``error``: a cancellation is known to it from then on."""
        if isinstance(error, ExecutionCancelled):
            self.workflow_context.internal.acknowledge_cancel()

    def subject(self) -> dict[str, Any]:
        """Return the keys of an event about this task."""
        return {}

    def parameters(self) -> dict[str, Any]:
        """Return what is stored of the task to make an equal one."""
        return {}

    def subgraphs(self) -> Iterator[SubgraphTask]:
        """Yield the subgraphs that contain the task, the innermost first."""
        subgraph = self.containing_subgraph
        while subgraph is not None:
            yield subgraph
            subgraph = subgraph.containing_subgraph

    def run(self) -> Any:
        """Do what the task is for, in the workflow's process, and return its result."""
        raise NotImplementedError


class forkjoin:
    """Tasks of a sequence that run side by side."""

    def __init__(self, *tasks: WorkflowTask) -> None:
        self.tasks = tasks


class TaskSequence:
    """A place in a graph or subgraph to which tasks are added one after the other."""

    def __init__(self, graph: TaskContainer) -> None:
        self.graph = graph
        self.last_fork_join_tasks: tuple[WorkflowTask, ...] = ()

    def add(self, *tasks: WorkflowTask | forkjoin | list[Any] | tuple[Any, ...]) -> None:
        """Add tasks, forkjoins of tasks, or lists of either, each after the one before."""
        for item in tasks:
            if isinstance(item, list | tuple):
                self.add(*item)
                continue
            abreast = item.tasks if isinstance(item, forkjoin) else (item,)
            for task in abreast:
                self.graph.add_task(task)
                for last in self.last_fork_join_tasks:
                    self.graph.add_dependency(task, last)
            if abreast:
                self.last_fork_join_tasks = abreast


class SubgraphTask(WorkflowTask):
    """Tasks that count as one: it begins when what it depends on has ended, and ends with the last of its
    tasks.

    When one of its tasks fails, no other begins; when those that run have ended, the subgraph has failed,
    and its ``on_failure`` handler decides. To retry it, the handler sets ``retried_task`` to a subgraph
    that takes its place.
    """

    kind = "subgraph"
    is_subgraph = True

    def __init__(
        self, graph: TaskGraph, total_retries: int = DEFAULT_SUBGRAPH_TOTAL_RETRIES, **kwargs: Any
    ) -> None:
        kwargs.setdefault("info", {})
        super().__init__(graph.ctx, total_retries=total_retries, **kwargs)
        self.graph: TaskGraph = graph
        #: Its tasks that have not ended, by id.
        self.tasks: dict[str, WorkflowTask] = {}
        #: The first of its tasks that failed for good.
        self.failed_task: WorkflowTask | None = None
        #: How many of its tasks, nested ones included, run at this moment.
        self.running = 0
        # Subgraphs in it that failed, and still have tasks in the graph.
        self._failed: list[SubgraphTask] = []

    @property
    def name(self) -> str:
        name = self.info.get("name") if isinstance(self.info, dict) else None
        return str(name or self.id)

    def is_nop(self) -> bool:
        return all(task.is_nop() for task in self.tasks.values())

    def sequence(self) -> TaskSequence:
        """Return a new sequence of tasks in this subgraph."""
        return TaskSequence(self)

    def subgraph(self, name: str) -> SubgraphTask:
        """Add a new subgraph inside this one, and return it."""
        task = self.graph.new_subgraph(name)
        self.add_task(task)
        return task

    def add_task(self, task: WorkflowTask) -> None:
        """Add a task. Raises RuntimeError if it is part of another subgraph."""
        if task.containing_subgraph not in (None, self):
            raise RuntimeError(
                f"{task!r} cannot be added to {self!r}: it is part of {task.containing_subgraph!r}, and a "
                "task can be part of one subgraph only."
            )
        self.graph.add_task(task)
        if task.containing_subgraph is None:
            task.containing_subgraph = self
            self.tasks[task.id] = task
            if self.status.is_pending:
                self.graph.add_dependency(task, self)

    def remove_task(self, task: WorkflowTask) -> None:
        """Take a task out of the graph."""
        self.graph.remove_task(task)

    def add_dependency(self, src_task: WorkflowTask, dst_task: WorkflowTask) -> None:
        """Begin ``src_task`` after ``dst_task`` has ended."""
        self.graph.add_dependency(src_task, dst_task)

    @property
    def failing(self) -> bool:
        """Whether one of its tasks has failed, or it has ended: none of its tasks may begin any more."""
        return self.failed_task is not None or self.is_terminated

    def drop(self, task: WorkflowTask) -> None:
        """Remove a task that has ended, or was taken out of the graph."""
        self.tasks.pop(task.id, None)

    def member_failed(self, task: WorkflowTask) -> bool:
        """Record that one of its tasks failed for good, and return whether it is the first."""
        if isinstance(task, SubgraphTask):
            self._failed.append(task)
        if self.failed_task is not None:
            return False
        self.failed_task = task
        return True

    def unfinished(self) -> Iterator[WorkflowTask]:
        """Yield the tasks of it that have not ended, those of subgraphs included."""
        for member in self.tasks.values():
            yield member
            if isinstance(member, SubgraphTask):
                yield from member.unfinished()
        for failed in self._failed:
            yield from failed.unfinished()

    def root_failure(self) -> WorkflowTask:
        """Return the task that the subgraph failed by: the innermost that is not a subgraph itself."""
        task: WorkflowTask = self
        while isinstance(task, SubgraphTask) and task.failed_task is not None:
            task = task.failed_task
        return task
