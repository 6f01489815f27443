"""What stands between a workflow's context and its host: what tasks, graphs and nodes do is done here.

Not meant for workflows; a few of its names are used by existing ones all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloudwright.operation.supervisor import readable
from cloudwright.workflow.connection import Connection
from cloudwright.workflow.graph import TaskDependencyGraph
from cloudwright.workflow.graph_restore import GraphRestorer, StoredGraphs
from cloudwright.workflow.local_tasks import ThreadPool
from cloudwright.workflow.logger import JournalHandler
from cloudwright.workflow.tasks import WorkflowTask

if TYPE_CHECKING:
    from cloudwright.workflow.context import WorkflowContext


#: Under which name tasks are stored that were begun one by one.
DIRECT = "#direct"


class WorkflowRuntime:
    def __init__(
        self, ctx: WorkflowContext, connection: Connection, begin: Mapping[str, Any], resumable: bool
    ) -> None:
        self.workflow_context = ctx
        self.connection = connection
        self.thread_pool = ThreadPool()
        self.graph_mode = False
        self._policy = begin["policy"]
        #: What an earlier process of this execution left.
        self.stored = StoredGraphs(begin.get("graphs") or ())
        self.stored.abandon_all(DIRECT)
        self._resumable = resumable
        self._unnamed_graphs = 0
        self._task_graph: TaskDependencyGraph | None = None
        self._loggers: dict[str | None, logging.Logger] = {}

    # Configuration.

    def get_task_configuration(self) -> dict[str, Any]:
        """Retries of a task where nothing else is said."""
        return {
            "total_retries": int(self._policy["task_retries"]),
            "retry_interval": float(self._policy["task_retry_interval"]),
        }

    def get_subgraph_task_configuration(self) -> dict[str, Any]:
        """Retries of a subgraph where nothing else is said."""
        return {"total_retries": int(self._policy.get("subgraph_retries") or 0)}

    @property
    def wait_after_fail(self) -> float:
        return float(self._policy.get("wait_after_fail", 600))

    # Graphs and tasks.

    @property
    def task_graph(self) -> TaskDependencyGraph:
        """The graph of a workflow in graph mode; else one that holds the tasks that were begun one by one."""
        if self._task_graph is None:
            self._task_graph = TaskDependencyGraph(self.workflow_context)
            if not self.graph_mode and self._resumable and not self.workflow_context.dry_run:
                # So that a resumed workflow waits for what still runs instead of running it a second time.
                self._task_graph.journal.keep(DIRECT, (), strict=False)
        return self._task_graph

    def enter_graph_mode(self) -> TaskDependencyGraph:
        """From now on tasks are made and not begun. Raises RuntimeError where some were begun already."""
        graph = self._task_graph
        if graph is not None and graph.has_tasks and not graph.executed:
            raise RuntimeError(
                "The workflow cannot go into graph mode: it has tasks already that are not part of an "
                "executed graph."
            )
        if not self.graph_mode or (graph is not None and graph.executed):
            # What an execution that failed or was cancelled has left is of no use to the next one.
            self._task_graph = None
        self.graph_mode = True
        return self.task_graph

    def begin(self, task: WorkflowTask) -> Any:
        """The task itself in graph mode; else begin it, and answer its result to come."""
        if self.graph_mode:
            return task
        self.launch(task)
        return task.async_result

    def launch(self, task: WorkflowTask) -> None:
        """Begin a task outside of any graph's order."""
        if task._graph is None:
            if task.inline and task.on_success is None and task.on_failure is None:
                # Done on the spot; no graph needs to know.
                task._state = "succeeded"
                task.async_result.settle(task.run(), None)
                return
            self.task_graph.add_task(task)
        assert task._graph is not None
        task._graph.executor.launch(task)

    def wait_for(self, task: WorkflowTask, timeout: float | None) -> None:
        """See WorkflowTaskResult.get. Raises RuntimeError where the task never began."""
        if task._graph is None:
            raise RuntimeError(
                f"{task!r} is not part of a graph and was not begun, so there is nothing to wait for."
            )
        task._graph.executor.wait_for(task, timeout)

    def wait_for_all(self) -> None:
        """Wait for what was begun one by one. Raises the first error, as ``get()`` does."""
        if self.graph_mode or self._task_graph is None:
            return
        for task in self._task_graph.tasks:
            task.async_result.get()

    def restored_graph(self, name: str) -> TaskDependencyGraph | None:
        """The next graph stored under ``name`` by an earlier process of this execution, to go on with."""
        stored = self.stored.take(name)
        if stored is None:
            return None
        # As the function that builds the graph would have done.
        self.enter_graph_mode()
        graph = TaskDependencyGraph(self.workflow_context)
        return GraphRestorer(self.workflow_context, stored).into(graph)

    def next_graph_name(self) -> str | None:
        """What the next graph without a name is stored under; None where it need not be stored."""
        if not self._resumable or self.workflow_context.dry_run:
            return None
        self._unnamed_graphs += 1
        return f"#{self._unnamed_graphs}"

    # The journal.

    def set_state(self, node_instance_id: str, state: str) -> None:
        self.connection.journal(["state", node_instance_id, state])
        instance = self.workflow_context.get_node_instance(node_instance_id)
        if instance is not None:
            instance._node_instance["state"] = state

    def event(self, event_type: str, message: str, **fields: Any) -> None:
        """Record an event; ``fields`` are those of an event entry (docs/concepts/frames.md)."""
        event = {"event_type": event_type, "message": readable(str(message))}
        event.update((key, value) for key, value in fields.items() if value is not None)
        self.connection.journal(["event", event])

    def send_workflow_event(
        self,
        event_type: str,
        message: str | None = None,
        args: Any = None,
        additional_context: dict[str, Any] | None = None,
    ) -> None:
        """Record an event of the workflow, now."""
        self.event(event_type, message or "", details=additional_context)

    def task_event(self, task: WorkflowTask, event_type: str) -> None:
        """Record how a function inside this process fares; what operations do is recorded by their host."""
        if task.kind != "local" or not task.send_task_events:
            return
        message = f"`{task.name}` {event_type.removeprefix('task_')}"
        if task.error is not None:
            message += f": {type(task.error).__name__}: {task.error}"
        self.event(event_type, message, operation_id=task.id if task.stored else None)

    def retry_event(self, task: WorkflowTask, delay: float) -> None:
        """Record that a task will be tried again."""
        limit = "" if task.total_retries < 0 else f" of {task.total_retries}"
        retry = f"retry {task.current_retries}{limit}"
        message = f"{task.short_description} will be tried again in {delay:g} s ({retry})"
        self.event("task_rescheduled", message, details={"retry_after": delay}, **task.subject())

    def logger_of(self, node_instance_id: str | None = None) -> logging.Logger:
        """The logger of a node instance, or of the workflow."""
        logger = self._loggers.get(node_instance_id)
        if logger is None:
            ctx = self.workflow_context
            name = f"workflow.{ctx.workflow_id}" + (f".{node_instance_id}" if node_instance_id else "")
            logger = self._loggers[node_instance_id] = logging.getLogger(name)
            logger.setLevel(logging.DEBUG)
            logger.propagate = False
            logger.handlers = [JournalHandler(self.connection, node_instance_id)]
        return logger
