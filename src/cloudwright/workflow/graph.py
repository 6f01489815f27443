"""The tasks graph: which task waits for which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cloudwright.workflow.graph_executor import GraphExecutor
from cloudwright.workflow.graph_journal import GraphJournal, task_notes
from cloudwright.workflow.graph_restore import GraphRestorer, match_stored
from cloudwright.workflow.subgraph import SubgraphTask, TaskSequence
from cloudwright.workflow.tasks import WorkflowTask

if TYPE_CHECKING:
    from cloudwright.workflow.context import WorkflowContext


class TaskDependencyGraph:
    """Tasks and the order between them.

    The graph of a workflow that can be resumed is stored when it begins to run, and so is every change to it
    from then on. One that has a name (``store``) is found again by it; any other is recognised when the
    resumed workflow has built it again and executes it.
    """

    def __init__(
        self, workflow_context: WorkflowContext, default_subgraph_task_config: dict[str, Any] | None = None
    ) -> None:
        self.ctx: WorkflowContext = workflow_context.internal.workflow_context
        self.journal = GraphJournal(self.ctx.internal.connection.journal)
        #: Whether it was executed, whatever came of it.
        self.executed = False
        self._subgraph_config = default_subgraph_task_config
        self._tasks: dict[str, WorkflowTask] = {}
        self.executor = GraphExecutor(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._tasks)} tasks>"

    # What is in it.

    @property
    def tasks(self) -> list[WorkflowTask]:
        """The tasks that have not ended, in the order in which they were added."""
        return list(self._tasks.values())

    def tasks_iter(self) -> Iterator[WorkflowTask]:
        return iter(self.tasks)

    @property
    def has_tasks(self) -> bool:
        return bool(self._tasks)

    def get_task(self, task_id: str) -> WorkflowTask | None:
        """The task of that id, while it has not ended."""
        return self._tasks.get(task_id)

    def has_task(self, task: WorkflowTask) -> bool:
        return self._tasks.get(task.id) is task

    # Building it.

    def add_task(self, task: WorkflowTask) -> None:
        """Add a task; one that is in the graph already stays as it is."""
        if task.id in self._tasks:
            return
        self._tasks[task.id] = task
        task._graph = self
        self.journal.add(task)
        self.executor.ready.append(task)

    def remove_task(self, task: WorkflowTask) -> None:
        """Take a task out, and all that is in it. What depends on it does not wait for it any more."""
        for item in [*(task.unfinished() if isinstance(task, SubgraphTask) else ()), task]:
            if self.has_task(item):
                self.executor.abandon(item)
                self.release(item)
                if self.executor.executing:
                    self.journal.remove(item)
        if task.containing_subgraph is not None:
            self.executor.check(task.containing_subgraph)

    def add_dependency(self, src_task: WorkflowTask, dst_task: WorkflowTask) -> None:
        """Begin ``src_task`` after ``dst_task`` has ended. Raises RuntimeError where one is not in here."""
        if src_task is dst_task:
            return
        for task in (src_task, dst_task):
            if not self.has_task(task):
                raise RuntimeError(
                    f"{task!r} is not in the graph, so nothing can depend on it, nor it on anything."
                )
        src_task._blockers.add(dst_task)
        dst_task._dependents[src_task] = None

    def remove_dependency(self, src_task: WorkflowTask, dst_task: WorkflowTask) -> None:
        """``src_task`` does not wait for ``dst_task`` any more."""
        src_task._blockers.discard(dst_task)
        dst_task._dependents.pop(src_task, None)
        if not src_task._blockers:
            self.executor.ready.append(src_task)

    def sequence(self) -> TaskSequence:
        return TaskSequence(self)

    def new_subgraph(self, name: str) -> SubgraphTask:
        """A subgraph that is not part of the graph yet."""
        config = self._subgraph_config
        if config is None:
            config = self.ctx.internal.get_subgraph_task_configuration()
        return SubgraphTask(self, info={"name": name}, **config)

    def subgraph(self, name: str) -> SubgraphTask:
        """A new subgraph of the graph."""
        task = self.new_subgraph(name)
        self.add_task(task)
        return task

    # Running it.

    def execute(self) -> None:
        """Run the tasks in their order, and return when the last one has ended.

        Raises WorkflowFailed when a task failed for good: then nothing else begins, and what runs is waited
        for up to ``ctx.wait_after_fail`` seconds. Raises ExecutionCancelled as soon as the execution is
        asked to stop, where the workflow did not know that before; operations that run then go on running.
        """
        if not self.executed and self.journal.id is None and self._tasks:
            self._store_or_restore()
        self.executed = True
        self.executor.execute()
        self.executed = False
        self.journal.stop()

    def _store_or_restore(self) -> None:
        """Store the graph if the workflow can be resumed; go on with the stored one if it was."""
        name = self.ctx.internal.next_graph_name()
        if name is None:
            return
        stored = self.ctx.internal.stored.take(name)
        if stored is not None:
            built = match_stored(self, stored)
            if built is not None:
                GraphRestorer(self.ctx, stored).into(self, built)
                return
            self.ctx.internal.stored.abandon(stored)
            self.ctx.logger.warning(
                "The graph that the resumed workflow built does not have the tasks of the interrupted one: "
                "it is run from its beginning. A graph that is made by a function decorated with "
                "make_or_get_graph is found again whatever is built."
            )
        self.journal.keep(name, self._tasks.values(), strict=False)

    # What the engine tells of its tasks.

    def release(self, task: WorkflowTask) -> None:
        """The task has ended: what depends on it does not wait for it any more."""
        self.detach(task)
        dependents, task._dependents = task._dependents, {}
        for dependent in dependents:
            dependent._blockers.discard(task)
            if not dependent._blockers:
                self.executor.ready.append(dependent)

    def detach(self, task: WorkflowTask) -> None:
        """Take the task out; what depends on it goes on waiting."""
        self._tasks.pop(task.id, None)
        for blocker in task._blockers:
            blocker._dependents.pop(task, None)
        task._blockers.clear()
        if task.containing_subgraph is not None:
            task.containing_subgraph._left.pop(task, None)
            task.containing_subgraph.tasks.pop(task.id, None)

    def drop_members(self, subgraph: SubgraphTask) -> None:
        """Take out what is left of a subgraph that has ended."""
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
            for dependent in list(task._dependents):
                if dependent not in inside and dependent is not new:
                    self.add_dependency(dependent, new)
        if isinstance(old, SubgraphTask):
            self.drop_members(old)
        self.journal.ended(old)
        self.release(old)

    # Storing it.

    def store(self, name: str) -> None:
        """Keep the graph under ``name`` for an execution that is resumed; it is stored when it begins to run.

        Raises RuntimeError where a handler of one of its tasks could not be found again then.
        """
        self.journal.keep(name, self._tasks.values(), strict=True)

    def identify(self, tasks: Mapping[str, WorkflowTask]) -> None:
        """Give tasks of the graph the ids that they are stored under."""
        for id, task in tasks.items():
            task.id = id
        self._tasks = {task.id: task for task in self._tasks.values()}
        for subgraph in tasks.values():
            if isinstance(subgraph, SubgraphTask):
                subgraph.tasks = {task.id: task for task in subgraph.tasks.values()}

    def task_notes(self, task: WorkflowTask) -> dict[str, Any]:
        """What is stored with an operation for restoring its task; nothing where its graph is not stored."""
        return task_notes(task) if task.stored else {}
