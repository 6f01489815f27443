"""The runtime of a workflow: it carries out what tasks, graphs and nodes do, over the connection to the host.

It is ``ctx.internal``. Not meant for workflows; a few of its names are used by existing ones all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from cloudwright.child.logger import own_logger
from cloudwright.model.json_values import plain, readable
from cloudwright.model.operation import headline
from cloudwright.workflow.errors import ExecutionCancelled
from cloudwright.workflow.graph import GraphContext, TaskDependencyGraph
from cloudwright.workflow.graph_executor import GraphExecutor
from cloudwright.workflow.graph_journal import GraphJournal
from cloudwright.workflow.graph_restore import GraphRestorer, StoredGraphs, match_stored
from cloudwright.workflow.host_connection import HostConnection
from cloudwright.workflow.local_tasks import ThreadPool
from cloudwright.workflow.logger import JournalHandler
from cloudwright.workflow.tasks import WorkflowTask

#: The name under which tasks are stored that were launched one by one.
DIRECT = "#direct"


class RuntimeContext(GraphContext, Protocol):
    """The context of a workflow, as its runtime uses it."""

    @property
    def workflow_id(self) -> str: ...


class WorkflowRuntime:
    """The runtime of one workflow.

    ``begin`` is the process's first frame; ``resumable`` is whether the workflow's function may be called
    again after an earlier process of the execution.
    """

    def __init__(
        self, ctx: RuntimeContext, connection: HostConnection, begin: Mapping[str, Any], resumable: bool
    ) -> None:
        self.workflow_context = ctx
        self.connection = connection
        self.thread_pool = ThreadPool()
        self.graph_mode = False
        #: How often a user resumed the execution: each time, operations get a full set of retries.
        self.resumed = int(begin["resumed"])
        self._policy = begin["policy"]
        #: The graphs that an earlier process of this execution left.
        self.stored = StoredGraphs(begin.get("graphs") or ())
        self.stored.abandon_all(DIRECT)
        self._resumable = resumable
        self._unnamed_graphs = 0
        self._task_graph: TaskDependencyGraph | None = None
        # Tasks that were launched one by one: those that have not ended, or whose failure may not be known;
        # and whether the function of a local task did it.
        self._launched: dict[WorkflowTask, bool] = {}
        self._loggers: dict[str | None, logging.Logger] = {}

    # Configuration.

    def get_task_configuration(self) -> dict[str, Any]:
        """Return the retries of a task for which nothing else is given."""
        return {
            "total_retries": int(self._policy["task_retries"]),
            "retry_interval": float(self._policy["task_retry_interval"]),
            "retry_backoff": float(self._policy.get("task_retry_backoff") or 1),
        }

    def get_subgraph_task_configuration(self) -> dict[str, Any]:
        """Return the retries of a subgraph for which nothing else is given."""
        return {"total_retries": int(self._policy.get("subgraph_retries") or 0)}

    @property
    def wait_after_fail(self) -> float:
        """Seconds to wait, after a task has failed, for those that run."""
        return float(self._policy.get("wait_after_fail", 600))

    # Tasks.

    def begin(self, task: WorkflowTask) -> Any:
        """Return the task itself in graph mode; else launch it, and return its result to come."""
        if self.graph_mode:
            return task
        self.launch(task)
        return task.async_result

    def launch(self, task: WorkflowTask) -> None:
        """Run a task now, outside of any graph's order."""
        if task.graph is None:
            if task.inline and task.on_success is None and task.on_failure is None:
                # Done on the spot; no graph needs to know.
                task.status.succeeded(task.run())
                return
            self.task_graph.add_task(task)
        self._launched[task] = self.connection.cancellation.in_local_task
        assert task.graph is not None
        task.graph.launch(task)

    def wait_for(self, task: WorkflowTask, timeout: float | None) -> None:
        """Wait for the task's end; see WorkflowTaskResult.get. Raises RuntimeError if it never began."""
        if task.graph is None:
            raise RuntimeError(
                f"{task!r} is not part of a graph and was not started, so there is nothing to wait for."
            )
        task.graph.wait_for(task, timeout)

    def wait_for_all(self) -> None:
        """Wait for the tasks that were launched one by one, in this order.

        Raises the first error that the workflow has not seen: of a task that failed, or ExecutionCancelled
        for one that did not run because the execution is to be cancelled.
        """
        # A workflow that asks about the request has decided to have its tasks run when it returns.
        cancellation = self.connection.cancellation
        while self._launched:
            task, nested = next(iter(self._launched.items()))
            if not task.status.is_set and task.graph is not None:
                task.graph.wait_for(task, None, insist=cancellation.polled)
            # A workflow that knows has seen the request when it waited for the local task.
            seen = nested and cancellation.acknowledged and isinstance(task.error, ExecutionCancelled)
            if not task.status.observed and not seen:
                task.async_result.get()
            self._launched.pop(task, None)

    def task_ended(self, task: WorkflowTask, *, failed: bool) -> None:
        """Record that a task has ended for good."""
        if not failed:
            self._launched.pop(task, None)

    def task_removed(self, task: WorkflowTask) -> None:
        """Record that a task was taken out of its graph."""
        self._launched.pop(task, None)

    def task_replaced(self, old: WorkflowTask, new: WorkflowTask) -> None:
        """Record that ``new`` is run in the place of ``old``."""
        nested = self._launched.pop(old, None)
        if nested is not None:
            self._launched[new] = nested

    def acknowledge_cancel(self) -> None:
        """Record that the workflow knows of the request to cancel it."""
        self.connection.cancellation.acknowledge()

    # Graphs.

    @property
    def task_graph(self) -> TaskDependencyGraph:
        """The graph of a workflow in graph mode; else one of the tasks that were launched one by one."""
        if self._task_graph is None:
            self._task_graph = TaskDependencyGraph(self.workflow_context)
            if not self.graph_mode and self._resumable and not self.workflow_context.dry_run:
                # So that a resumed workflow waits for what still runs instead of running it a second time.
                self._task_graph.journal.keep(DIRECT, (), strict=False)
        return self._task_graph

    def new_journal(self) -> GraphJournal:
        """Return the journal of a new graph."""
        return GraphJournal(self.connection.journal)

    def new_executor(self, graph: TaskDependencyGraph) -> GraphExecutor:
        """Return the executor of a new graph."""
        return GraphExecutor(graph, self)

    def enter_graph_mode(self) -> TaskDependencyGraph:
        """Make tasks without launching them from now on, and return the graph to put them into.

        Raises RuntimeError if some were launched already.
        """
        graph = self._task_graph
        if graph is not None and graph.has_tasks and not graph.executed:
            raise RuntimeError(
                "The workflow cannot go into graph mode: some of its tasks are not part of an executed graph."
            )
        if not self.graph_mode or (graph is not None and graph.executed):
            # What an execution that failed or was cancelled has left is of no use to the next one.
            self._task_graph = None
        self.graph_mode = True
        return self.task_graph

    def execute(self, graph: TaskDependencyGraph) -> None:
        """Store the graph or match it with a stored one, and run it; see TaskDependencyGraph.execute."""
        if not graph.executed and graph.journal.id is None and graph.has_tasks:
            self._store_or_restore(graph)
        graph.executed = True
        graph.executor.execute()
        graph.executed = False
        graph.journal.stop()

    def _store_or_restore(self, graph: TaskDependencyGraph) -> None:
        """Store the graph if the workflow can be resumed; continue with the stored one if it was."""
        name = self._next_graph_name()
        if name is None:
            return
        stored = self.stored.take(name)
        if stored is not None:
            built = match_stored(graph, stored)
            if built is not None:
                GraphRestorer(self.workflow_context, stored).into(graph, built)
                return
            self.stored.abandon(stored)
            self.logger_of().warning(
                "The graph that the resumed workflow built does not have the tasks of the interrupted one: "
                "it is run from its beginning. A graph that is made by a function decorated with "
                "make_or_get_graph is found again whatever is built."
            )
        graph.journal.keep(name, graph.tasks, strict=False)

    def _next_graph_name(self) -> str | None:
        """Return the name that the next graph without one is stored under; None if it need not be stored."""
        if not self._resumable or self.workflow_context.dry_run:
            return None
        self._unnamed_graphs += 1
        return f"#{self._unnamed_graphs}"

    def restored_graph(self, name: str) -> TaskDependencyGraph | None:
        """Return the next graph that an earlier process of this execution stored under ``name``, or None."""
        stored = self.stored.take(name)
        if stored is None:
            return None
        # As the function that builds the graph would have done.
        self.enter_graph_mode()
        graph = TaskDependencyGraph(self.workflow_context)
        return GraphRestorer(self.workflow_context, stored).into(graph)

    # The host.

    def call(self, method: str, /, **args: Any) -> Any:
        """Ask the host, and wait for the reply. Raises RequestRefused if it refuses."""
        return self.connection.call(method, **args)

    def set_state(self, node_instance_id: str, state: str) -> None:
        """Set a node instance's state."""
        self.connection.journal(["state", node_instance_id, state])
        instance = self.workflow_context.get_node_instance(node_instance_id)
        if instance is not None:
            instance.record_state(state)

    def put_system_properties(self, node_instance_id: str, values: dict[str, Any]) -> None:
        """Put these keys into a node instance's system properties; None takes a key out."""
        self.connection.journal(["system", node_instance_id, plain(values)])
        instance = self.workflow_context.get_node_instance(node_instance_id)
        if instance is not None:
            instance.record_system_properties(values)

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
            message += f": {headline(type(task.error).__name__, str(task.error))}"
        self.event(event_type, message, operation_id=task.id if task.stored else None)

    def retry_event(self, task: WorkflowTask, delay: float) -> None:
        """Record that a task will be tried again."""
        limit = "" if task.total_retries < 0 else f" of {task.total_retries}"
        retry = f"retry {task.current_retries}{limit}"
        message = f"{task.short_description} will be tried again in {delay:g} s ({retry})"
        details = {"retry_after": delay, "retry": task.current_retries, "max_retries": task.total_retries}
        self.event("task_rescheduled", message, details=details, **task.subject())

    def retry_now_event(self, by: str, count: int) -> None:
        """Record that tasks that wait are tried again at once."""
        what = "1 task that waits is" if count == 1 else f"{count} tasks that wait are"
        self.event("workflow_stage", f"{what} tried again at once, as {by} asks")

    def logger_of(self, node_instance_id: str | None = None) -> logging.Logger:
        """Return the logger of a node instance, or of the workflow."""
        logger = self._loggers.get(node_instance_id)
        if logger is None:
            ctx = self.workflow_context
            name = f"workflow.{ctx.workflow_id}" + (f".{node_instance_id}" if node_instance_id else "")
            handler = JournalHandler(self.connection, node_instance_id)
            logger = self._loggers[node_instance_id] = own_logger(name, handler)
        return logger
