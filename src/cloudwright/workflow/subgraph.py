"""Sequences and subgraphs: ways to put tasks in order, and to treat some of them as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from cloudwright.workflow.tasks import DEFAULT_SUBGRAPH_TOTAL_RETRIES, WorkflowTask

if TYPE_CHECKING:
    from cloudwright.workflow.graph import TaskDependencyGraph


class TaskContainer(Protocol):
    """A graph, or a subgraph of one."""

    def add_task(self, task: WorkflowTask) -> None: ...

    def add_dependency(self, src_task: WorkflowTask, dst_task: WorkflowTask) -> None: ...

    def subgraph(self, name: str) -> SubgraphTask: ...


class forkjoin:
    """Tasks of a sequence that run side by side."""

    def __init__(self, *tasks: WorkflowTask) -> None:
        self.tasks = tasks


class TaskSequence:
    """Adds tasks to a graph or subgraph, each after the one before."""

    def __init__(self, graph: TaskContainer) -> None:
        self.graph = graph
        self.last_fork_join_tasks: tuple[WorkflowTask, ...] = ()

    def add(self, *tasks: WorkflowTask | forkjoin | list[Any] | tuple[Any, ...]) -> None:
        """Add tasks, forkjoins of tasks, or lists of either, in this order."""
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
        self, graph: TaskDependencyGraph, total_retries: int = DEFAULT_SUBGRAPH_TOTAL_RETRIES, **kwargs: Any
    ) -> None:
        kwargs.setdefault("info", {})
        super().__init__(graph.ctx, total_retries=total_retries, **kwargs)
        self.graph = graph
        #: Its tasks that have not ended, by id.
        self.tasks: dict[str, WorkflowTask] = {}
        self.failed_task: WorkflowTask | None = None
        # How many of its tasks, nested ones included, are out at this moment.
        self._running = 0
        self._left: dict[WorkflowTask, None] = {}
        # Subgraphs in it that failed, and still have tasks in the graph.
        self._failed: list[SubgraphTask] = []

    @property
    def name(self) -> str:
        name = self.info.get("name") if isinstance(self.info, dict) else None
        return str(name or self.id)

    def is_nop(self) -> bool:
        return all(task.is_nop() for task in self.tasks.values())

    def sequence(self) -> TaskSequence:
        return TaskSequence(self)

    def subgraph(self, name: str) -> SubgraphTask:
        """A new subgraph inside this one."""
        task = self.graph.new_subgraph(name)
        self.add_task(task)
        return task

    def add_task(self, task: WorkflowTask) -> None:
        """Add a task. Raises RuntimeError where it is part of another subgraph."""
        if task.containing_subgraph not in (None, self):
            raise RuntimeError(
                f"{task!r} cannot be added to {self!r}: it is part of {task.containing_subgraph!r}, and a "
                "task can be part of one subgraph only."
            )
        self.graph.add_task(task)
        if task.containing_subgraph is None:
            task.containing_subgraph = self
            self.tasks[task.id] = task
            self._left[task] = None
            if not self.is_started:
                self.graph.add_dependency(task, self)

    def remove_task(self, task: WorkflowTask) -> None:
        self.graph.remove_task(task)

    def add_dependency(self, src_task: WorkflowTask, dst_task: WorkflowTask) -> None:
        self.graph.add_dependency(src_task, dst_task)

    @property
    def is_started(self) -> bool:
        return self._state != "pending"

    @property
    def failing(self) -> bool:
        """One of its tasks has failed, or it has ended: none of its tasks may begin any more."""
        return self.failed_task is not None or self.is_terminated

    def unfinished(self) -> Iterator[WorkflowTask]:
        """The tasks of it that have not ended, those of subgraphs included."""
        for member in self._left:
            yield member
            if isinstance(member, SubgraphTask):
                yield from member.unfinished()
        for failed in self._failed:
            yield from failed.unfinished()

    def root_failure(self) -> WorkflowTask:
        """The task that the subgraph failed by: the innermost that is not a subgraph itself."""
        task: WorkflowTask = self
        while isinstance(task, SubgraphTask) and task.failed_task is not None:
            task = task.failed_task
        return task
