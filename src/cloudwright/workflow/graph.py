"""The tasks graph: which task waits for which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from cloudwright.workflow.protocols import TaskContext, TaskRuntime
from cloudwright.workflow.tasks import SubgraphTask, TaskSequence, WorkflowTask


class Executor(Protocol):
    """Runs the tasks of one graph (``graph_executor``)."""

    @property
    def executing(self) -> bool:
        """Whether the graph as a whole is being run."""

    def enqueue(self, task: WorkflowTask) -> None:
        """Look at the task when its turn comes: it may be able to begin."""

    def abandon(self, task: WorkflowTask) -> None:
        """Detach the task, which was taken out of the graph; its result is ignored."""

    def check(self, subgraph: SubgraphTask) -> None:
        """End the subgraph if none of its tasks is left to run."""

    def adopt(self, task: WorkflowTask) -> None:
        """Wait for an operation from before a resume that still runs, instead of sending it."""

    def replay(self, task: WorkflowTask, failure: Mapping[str, Any]) -> None:
        """Apply a failure that was stored before a crash: the task is tried again or fails, as it would have
        been.
        """

    def launch(self, task: WorkflowTask) -> None:
        """Begin a task now."""

    def wait_for(self, task: WorkflowTask, timeout: float | None, *, insist: bool = True) -> None:
        """Return when the task has ended for good, or was refused."""

    def execute(self) -> None:
        """Run the graph to its end."""


class Journal(Protocol):
    """Stores one graph as it runs (``graph_journal``)."""

    @property
    def id(self) -> str | None:
        """The id that the graph is stored under, or None if it is not stored."""

    def keep(self, name: str, tasks: Iterable[WorkflowTask], *, strict: bool) -> None: ...

    def restored(self, graph_id: str) -> None: ...

    def stop(self) -> None: ...

    def add(self, task: WorkflowTask) -> None: ...

    def flush(self) -> None: ...

    def remove(self, task: WorkflowTask) -> None: ...

    def ended(self, task: WorkflowTask, ignored: bool = False) -> None: ...


class GraphRuntime(TaskRuntime[WorkflowTask], Protocol):
    """The runtime of a workflow, as its graphs use it."""

    @property
    def workflow_context(self) -> GraphContext: ...

    def new_journal(self) -> Journal: ...

    def new_executor(self, graph: TaskDependencyGraph) -> Executor: ...

    def execute(self, graph: TaskDependencyGraph) -> None:
        """Store the graph or match it with a stored one, and run it."""


class GraphContext(TaskContext[WorkflowTask], Protocol):
    """The context of a workflow, as its graphs use it."""

    @property
    def internal(self) -> GraphRuntime: ...

    @property
    def wait_after_fail(self) -> float: ...


class TaskDependencyGraph:
    """Tasks and the order between them.

    The graph of a workflow that can be resumed is stored when it begins to run, and so is every change to it
    from then on. One that has a name (``store``) is found again by it; any other is recognised when the
    resumed workflow has built it again and executes it.

    Parameters:
        workflow_context: The context of the workflow.
        default_subgraph_task_config: Arguments of each new subgraph, ``total_retries`` for instance; None
            for the deployment's.
    """

    def __init__(
        self, workflow_context: GraphContext, default_subgraph_task_config: dict[str, Any] | None = None
    ) -> None:
        runtime = workflow_context.internal
        self.ctx: GraphContext = runtime.workflow_context
        #: Whether it was executed, and did not end well.
        self.executed = False
        self.journal = runtime.new_journal()
        self.executor = runtime.new_executor(self)
        self._subgraph_config = default_subgraph_task_config
        self._tasks: dict[str, WorkflowTask] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._tasks)} tasks>"

    # What is in it.

    @property
    def tasks(self) -> list[WorkflowTask]:
        """The tasks that have not ended, in the order in which they were added."""
        return list(self._tasks.values())

    def tasks_iter(self) -> Iterator[WorkflowTask]:
        """Return an iterator over ``tasks``."""
        return iter(self.tasks)

    @property
    def has_tasks(self) -> bool:
        """Whether there are tasks that have not ended."""
        return bool(self._tasks)

    def get_task(self, task_id: str) -> WorkflowTask | None:
        """Return the task of that id, or None if there is none or it has ended."""
        return self._tasks.get(task_id)

    def has_task(self, task: WorkflowTask) -> bool:
        """Return whether the task is in the graph, and has not ended."""
        return self._tasks.get(task.id) is task

    def linearize(self) -> list[WorkflowTask]:
        """Return ``tasks`` so that each comes after those that it depends on."""
        waits_for = {task: len(task.blockers) for task in self._tasks.values()}
        ordered = [task for task, count in waits_for.items() if not count]
        for task in ordered:  # it grows
            for dependent in task.dependents:
                waits_for[dependent] -= 1
                if not waits_for[dependent]:
                    ordered.append(dependent)
        return ordered

    # Building it.

    def optimize(self) -> None:
        """Take out the tasks that do nothing, and subgraphs with nothing but those.

        What depended on one depends on what that one depended on. To be called before the graph is executed.
        """
        for task in self.tasks:
            if task.is_nop() and self.has_task(task):
                for dependent in list(task.dependents):
                    for blocker in list(task.blockers):
                        self.add_dependency(dependent, blocker)
                self.remove_task(task)

    def add_task(self, task: WorkflowTask) -> None:
        """Add a task; one that is in the graph already stays as it is."""
        if task.id in self._tasks:
            return
        self._tasks[task.id] = task
        task.graph = self
        self.journal.add(task)
        self.executor.enqueue(task)

    def remove_task(self, task: WorkflowTask) -> None:
        """Take a task out, with everything in it. Tasks that depend on it do not wait for it any more."""
        for item in [*(task.unfinished() if isinstance(task, SubgraphTask) else ()), task]:
            if self.has_task(item):
                self.executor.abandon(item)
                self.release(item)
                if self.executor.executing:
                    self.journal.remove(item)
        if task.containing_subgraph is not None:
            self.executor.check(task.containing_subgraph)

    def add_dependency(self, src_task: WorkflowTask, dst_task: WorkflowTask) -> None:
        """Begin ``src_task`` after ``dst_task`` has ended. Raises RuntimeError if one is not in the graph."""
        if src_task is dst_task:
            return
        for task in (src_task, dst_task):
            if not self.has_task(task):
                raise RuntimeError(
                    f"{task!r} is not in the graph, so nothing can depend on it, nor it on anything."
                )
        src_task.blockers.add(dst_task)
        dst_task.dependents[src_task] = None

    def remove_dependency(self, src_task: WorkflowTask, dst_task: WorkflowTask) -> None:
        """Let ``src_task`` not wait for ``dst_task`` any more."""
        src_task.blockers.discard(dst_task)
        dst_task.dependents.pop(src_task, None)
        if not src_task.blockers:
            self.executor.enqueue(src_task)

    def sequence(self) -> TaskSequence:
        """Return a new sequence of tasks in this graph."""
        return TaskSequence(self)

    def new_subgraph(self, name: str) -> SubgraphTask:
        """Return a new subgraph that is not part of the graph yet."""
        config = self._subgraph_config
        if config is None:
            config = self.ctx.internal.get_subgraph_task_configuration()
        return SubgraphTask(self, info={"name": name}, **config)

    def subgraph(self, name: str) -> SubgraphTask:
        """Add a new subgraph to the graph, and return it."""
        task = self.new_subgraph(name)
        self.add_task(task)
        return task

    # Running it.

    def execute(self) -> None:
        """Run the tasks in their order, and return when the last one has ended.

        Raises:
            WorkflowFailed: A task failed for good. Nothing else began then, and what ran was waited for, up
                to ``ctx.wait_after_fail`` seconds.
            ExecutionCancelled: The execution is to be cancelled, and the workflow did not know it. It is
                raised at once; operations that run are not ended by it.
        """
        self.ctx.internal.execute(self)

    def launch(self, task: WorkflowTask) -> None:
        """Begin a task of the graph now, outside of its order."""
        self.executor.launch(task)

    def wait_for(self, task: WorkflowTask, timeout: float | None, *, insist: bool = True) -> None:
        """Return when a task of the graph has ended for good; see ``WorkflowTaskResult.get``.

        Without ``insist``, a task that does not run once the execution is to be cancelled is refused.
        """
        self.executor.wait_for(task, timeout, insist=insist)

    def store(self, name: str) -> None:
        """Keep the graph under ``name`` for an execution that is resumed; it is stored when it begins to run.

        Raises RuntimeError if a handler of one of its tasks could not be found again then.
        """
        self.journal.keep(name, self._tasks.values(), strict=True)

    # What the executor reports of its tasks.

    def release(self, task: WorkflowTask) -> None:
        """Take out a task that has ended; tasks that depend on it do not wait for it any more."""
        self.detach(task)
        dependents, task.dependents = task.dependents, {}
        for dependent in dependents:
            dependent.blockers.discard(task)
            if not dependent.blockers:
                self.executor.enqueue(dependent)

    def detach(self, task: WorkflowTask) -> None:
        """Take out a task; tasks that depend on it wait for ever."""
        self._tasks.pop(task.id, None)
        for blocker in task.blockers:
            blocker.dependents.pop(task, None)
        task.blockers.clear()
        if task.containing_subgraph is not None:
            task.containing_subgraph.drop(task)

    def drop_members(self, subgraph: SubgraphTask) -> None:
        """Take out everything that is left of a subgraph that has ended."""
        for member in list(subgraph.unfinished()):
            self.remove_task(member)

    def replace(self, old: WorkflowTask, new: WorkflowTask) -> None:
        """Put ``new`` in the place of ``old``, which has ended.

        What depends on ``old``, or on anything in it, waits for ``new`` instead.
        """
        subgraph = old.containing_subgraph
        if subgraph is not None:
            subgraph.add_task(new)
        self.add_task(new)
        new.replaces = old.id
        inside = {old, *(old.unfinished() if isinstance(old, SubgraphTask) else ())}
        for task in inside:
            for dependent in list(task.dependents):
                if dependent not in inside and dependent is not new:
                    self.add_dependency(dependent, new)
        if isinstance(old, SubgraphTask):
            self.drop_members(old)
        self.journal.ended(old)
        self.release(old)

    def identify(self, tasks: Mapping[str, WorkflowTask]) -> None:
        """Give tasks of the graph the ids that they are stored under."""
        for id, task in tasks.items():
            task.id = id
        self._tasks = {task.id: task for task in self._tasks.values()}
        for subgraph in tasks.values():
            if isinstance(subgraph, SubgraphTask):
                subgraph.tasks = {task.id: task for task in subgraph.tasks.values()}
