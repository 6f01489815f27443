"""The attempts of one graph's tasks that are out: sent to the host, or running in a thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import fields
from typing import Any, Protocol

from cloudwright.model.operation import Failure
from cloudwright.workflow.graph import TaskDependencyGraph
from cloudwright.workflow.graph_journal import task_notes
from cloudwright.workflow.graph_restore import StoredGraphs
from cloudwright.workflow.host_connection import HostConnection, Updates
from cloudwright.workflow.local_tasks import ThreadPool
from cloudwright.workflow.operation_task import OperationTask, error_of
from cloudwright.workflow.task_state import TASK_CANCELLED, TASK_STARTED, TASK_SUCCEEDED
from cloudwright.workflow.tasks import SubgraphTask, WorkflowTask

_FAILURE_KEYS = frozenset(field.name for field in fields(Failure))


class AttemptRuntime(Protocol):
    """The runtime of a workflow, as attempts use it."""

    @property
    def connection(self) -> HostConnection: ...

    @property
    def stored(self) -> StoredGraphs: ...

    @property
    def thread_pool(self) -> ThreadPool: ...

    def task_event(self, task: WorkflowTask, event_type: str) -> None: ...


class ExecutorRuntime(AttemptRuntime, Protocol):
    """The runtime of a workflow, as its executors use it."""

    def retry_event(self, task: WorkflowTask, delay: float) -> None: ...

    def retry_now_event(self, by: str, count: int) -> None: ...

    def task_ended(self, task: WorkflowTask, *, failed: bool) -> None: ...

    def task_removed(self, task: WorkflowTask) -> None: ...

    def task_replaced(self, old: WorkflowTask, new: WorkflowTask) -> None: ...


class Attempts:
    """What is out of one graph, and the news of it: ``updates``."""

    def __init__(self, graph: TaskDependencyGraph, runtime: AttemptRuntime) -> None:
        self.updates: Updates = deque()
        self._graph = graph
        self._runtime = runtime
        self._connection = runtime.connection
        self._out: dict[str, WorkflowTask] = {}

    def __bool__(self) -> bool:
        """Whether anything is out."""
        return bool(self._out)

    def out(self, id: str) -> WorkflowTask | None:
        """Return the task of that id if it is out."""
        return self._out.get(id)

    def inside(self, subgraph: SubgraphTask) -> list[WorkflowTask]:
        """Return the tasks of the subgraph that are out, nested ones included."""
        return [task for task in self._out.values() if subgraph in task.subgraphs()]

    # Going out.

    def run_local(self, task: WorkflowTask) -> None:
        """Run the task's function in a thread."""
        task.status.started()
        self._track(task)
        self._runtime.task_event(task, "task_started")
        known = self._connection.cancellation.acknowledged
        self._runtime.thread_pool.submit(lambda: self._run_and_report(task, known))

    def _run_and_report(self, task: WorkflowTask, known: bool) -> None:
        self._connection.cancellation.enter_thread(known)
        update = (task, *outcome_of(task))
        with suppress(OSError):  # the workflow has ended meanwhile, and the connection is closed
            self._connection.post(self.updates, update)

    def send(self, tasks: Iterable[OperationTask], *, aware: bool) -> None:
        """Send operations to the host, all in one frame.

        ``aware`` is whether a request to cancel was known when it was decided to send them.
        """
        self._connection.journal(*self._run_entries(tasks), aware=aware)

    def _run_entries(self, tasks: Iterable[OperationTask]) -> Iterator[list[Any]]:
        for task in tasks:
            before = self._runtime.stored.running(task.operation)
            if before is not None:
                # It runs already, from before the execution was resumed.
                task.attempt = before["attempt"]
                self._graph.identify({before["id"]: task})
                self.adopt(task)
                continue
            task.status.sent()
            self._track(task)
            self._connection.expect(task.id, self.updates)
            graph_id = self._graph.journal.id if task.stored else None
            yield ["run", task.frame(graph_id, task_notes(task) if task.stored else {})]

    def adopt(self, task: WorkflowTask) -> None:
        """Wait for an operation from before a resume that still runs, instead of sending it."""
        task.status.started()
        self._track(task)
        self._connection.expect(task.id, self.updates)

    # Coming in.

    def drop(self, task: WorkflowTask) -> bool:
        """Return whether the task was out; it is not any more."""
        if self._out.pop(task.id, None) is None:
            return False
        for subgraph in task.subgraphs():
            subgraph.running -= 1
        return True

    def _track(self, task: WorkflowTask) -> None:
        self._out[task.id] = task
        for subgraph in task.subgraphs():
            subgraph.running += 1


def outcome_of(task: WorkflowTask) -> tuple[Any, BaseException | None]:
    """Run the task here, and return its value and the exception that it raised."""
    try:
        return task.run(), None
    except BaseException as error:  # noqa: BLE001 - whatever a function does ends its task, not the workflow
        return None, error


def apply_report(task: OperationTask, report: dict[str, Any]) -> bool:
    """Apply what the host reports of an operation, and return whether this attempt has ended."""
    state = report["state"]
    if state == TASK_STARTED:
        task.status.started()
        return False
    if state == TASK_SUCCEEDED:
        task.failure = None
        task.status.succeeded(report.get("result"))
    else:
        task.failure = _failure(state, report.get("failure"))
        task.status.failed(error_of(task.failure))
    return True


def _failure(state: str, stored: dict[str, Any] | None) -> Failure:
    if state == TASK_CANCELLED:
        return Failure("it was revoked before it began", recoverable=False, kind="Cancelled")
    known = {key: value for key, value in (stored or {}).items() if key in _FAILURE_KEYS}
    return Failure(**({"message": "the operation failed without a reason"} | known))
