"""Stores graphs as they run, for executions that are resumed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cloudwright.model.json_values import plain
from cloudwright.workflow.current import workflow_ctx
from cloudwright.workflow.identifiers import new_id
from cloudwright.workflow.importable import dump_handler
from cloudwright.workflow.operation_task import OperationTask
from cloudwright.workflow.task_state import TASK_FAILED
from cloudwright.workflow.tasks import WorkflowTask

#: A larger graph is stored in several entries: each must fit into a frame.
MAX_TASKS = 500

#: Stored results of tasks that did not succeed, and are not run again either.
REMOVED = {"removed": True}
IGNORED = {"ignored": True}


def make_or_get_graph(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function that builds a graph, so that a resumed execution continues with the stored one.

    Parameters:
        function: Builds a graph and returns it. The decorated function takes one more keyword, ``name``: the
            name that the graph is stored under.

    Raises:
        RuntimeError: When the decorated function is called, if a handler of a task could not be found again
            because it is not at the top level of a module.
    """

    @functools.wraps(function)
    def make_or_get(*args: Any, name: str, **kwargs: Any) -> Any:
        if workflow_ctx.dry_run:
            return function(*args, **kwargs)
        graph = workflow_ctx.get_tasks_graph(name)
        if graph is None:
            graph = function(*args, **kwargs)
            graph.store(name)
        return graph

    return make_or_get


def check_storable(task: WorkflowTask) -> None:
    """Raise RuntimeError if a handler of the task could not be found again when its graph is restored."""
    for handler in (task.on_success, task.on_failure):
        if handler is not None and dump_handler(handler) is None:
            raise RuntimeError(
                f"The handler {handler!r} of {task.short_description} cannot be stored with its graph: it is "
                "not a function or class at the top level of a module."
            )


def task_notes(task: WorkflowTask) -> dict[str, Any]:
    """Return what is stored of any task, besides what its kind adds."""
    notes: dict[str, Any] = {}
    if task.place is not None:
        notes["place"] = task.place
    if task.containing_subgraph is not None:
        notes["subgraph"] = task.containing_subgraph.id
    if task.info:
        notes["info"] = plain(task.info)
    if task.on_success is not None:
        notes["on_success"] = dump_handler(task.on_success)
    if task.on_failure is not None:
        notes["on_failure"] = dump_handler(task.on_failure)
    if task.replaces is not None:
        notes["replaces"] = task.replaces
    if not task.inline:
        resumed = task.workflow_context.internal.resumed
        notes["retries"] = [task.total_retries, task.retry_interval, task.current_retries, resumed]
        if task.retry_backoff != 1:
            notes["retry_backoff"] = task.retry_backoff
    return notes


def task_record(task: WorkflowTask, graph_id: str) -> dict[str, Any]:
    """Return the task as a journal entry has it."""
    notes = task_notes(task)
    if isinstance(task, OperationTask):
        name, parameters = str(task.operation["name"]), task.frame(graph_id, notes)
    else:
        name, parameters = task.name, task.parameters() | {"task": notes}
    subgraph = task.containing_subgraph
    return {
        "id": task.id,
        "name": name,
        "kind": task.kind,
        # Its subgraph is not recorded as a blocker: the subgraph begins again.
        "depends_on": [blocker.id for blocker in task.blockers if blocker is not subgraph],
        "parameters": parameters,
    }


def journal_entries(graph_id: str, name: str | None, tasks: Iterable[WorkflowTask]) -> Iterator[list[Any]]:
    """Yield the journal entries that store ``tasks``; ``name`` is None if the graph itself is stored."""
    tasks = list(tasks)
    lead: list[dict[str, Any]] = []
    if name is not None:
        for place, task in enumerate(tasks):
            task.place = place
    if name is not None and len(tasks) > MAX_TASKS:
        # Names the last task, so that a graph of which only the first entries were stored is known to be
        # incomplete.
        complete = {
            "id": f"{graph_id}-complete",
            "name": "complete",
            "kind": "nop",
            "parameters": {"task": {}},
        }
        lead = [complete | {"depends_on": [tasks[-1].id]}]
    for start in range(0, len(tasks), MAX_TASKS):
        part = [*lead, *(task_record(task, graph_id) for task in tasks[start : start + MAX_TASKS])]
        yield ["tasks", graph_id, part] if name is None or start else ["graph", graph_id, name, part]
        lead = []


class GraphJournal:
    """The journal of one graph: the graph when its first task begins, then what is added, removed and ended.

    ``id`` is None if the graph is not stored.
    """

    def __init__(self, journal: Callable[..., None]) -> None:
        """``journal`` takes journal entries."""
        self.id: str | None = None
        self._journal = journal
        self._name: str | None = None
        self._strict = False
        self._new: dict[str, WorkflowTask] = {}

    def keep(self, name: str, tasks: Iterable[WorkflowTask], *, strict: bool) -> None:
        """Store the graph under ``name``.

        Raises RuntimeError if ``strict`` and a handler could not be found again.
        """
        self._new = {task.id: task for task in tasks}
        if strict:
            for task in self._new.values():
                check_storable(task)
        self.id, self._name, self._strict = new_id(), name, strict

    def restored(self, graph_id: str) -> None:
        """Continue the journal of a graph that is stored as it is."""
        self.id, self._name, self._new = graph_id, None, {}

    def stop(self) -> None:
        """End the journal; a graph that is used again is another one."""
        self.id, self._name, self._new = None, None, {}

    def add(self, task: WorkflowTask) -> None:
        if self.id is not None and not task.stored:
            self._new[task.id] = task

    def flush(self) -> None:
        """Store what was added."""
        if not self._new or self.id is None:
            return
        new, self._new = list(self._new.values()), {}
        if self._strict and self._name is None:
            for task in new:
                check_storable(task)
        for entry in journal_entries(self.id, self._name, new):
            self._journal(entry)
        self._name = None
        for task in new:
            task.stored = True

    def remove(self, task: WorkflowTask) -> None:
        """Store that a task was removed while the graph ran: a resumed execution does not run it."""
        if self._new.pop(task.id, None) is None and task.stored:
            self._journal(["task", task.id, "cancelled", REMOVED])

    def ended(self, task: WorkflowTask, ignored: bool = False) -> None:
        """Store how a task ended. The host stores the end of an operation, except that it is ``ignored``."""
        if not task.stored:
            return
        if ignored:
            self._journal(["task", task.id, TASK_FAILED, IGNORED])
        elif task.kind != "operation":
            self._journal(["task", task.id, task.get_state(), plain(task.async_result.value)])
