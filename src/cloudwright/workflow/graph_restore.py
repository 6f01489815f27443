"""Restores graphs from what an earlier process of the execution stored of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from cloudwright.workflow.graph import TaskDependencyGraph
from cloudwright.workflow.graph_journal import IGNORED, REMOVED, task_record
from cloudwright.workflow.importable import import_by_name, load_handler
from cloudwright.workflow.inline_tasks import (
    NOPLocalWorkflowTask,
    SendNodeEventTask,
    SendWorkflowEventTask,
    SetNodeInstanceStateTask,
)
from cloudwright.workflow.local_tasks import GetNodeInstanceStateTask, LocalWorkflowTask
from cloudwright.workflow.operation_task import LOST, OperationTask
from cloudwright.workflow.task_state import TASK_FAILED
from cloudwright.workflow.tasks import Context, SubgraphTask, WorkflowTask

#: A task or graph as a ``begin`` frame has it (docs/concepts/frames.md).
Record = Mapping[str, Any]

_PLAIN: dict[str, type[WorkflowTask]] = {
    task.kind: task
    for task in (
        NOPLocalWorkflowTask,
        SetNodeInstanceStateTask,
        SendNodeEventTask,
        SendWorkflowEventTask,
        GetNodeInstanceStateTask,
    )
}
#: The keys of an operation that change from one attempt to the next.
_CHANGING = ("id", "graph_id", "attempt", "max_retries", "retry_number", "resume", "task")


class StoredGraphs:
    """The graphs that an earlier process left; each is taken once."""

    def __init__(self, graphs: Iterable[Record]) -> None:
        self._graphs: dict[str, list[Record]] = defaultdict(list)
        for graph in graphs:
            self._graphs[graph["name"]].append(graph)
        # Operations that run and are not part of a graph that was taken up, by what they do.
        self._running: dict[str, list[Record]] = defaultdict(list)

    def take(self, name: str) -> Record | None:
        """Return the next graph that was stored under ``name`` in full, or None."""
        while self._graphs[name]:
            graph = self._graphs[name].pop(0)
            if _is_complete(graph):
                return graph
        return None

    def abandon(self, graph: Record) -> None:
        """Abandon ``graph``; its running operations can still be awaited."""
        for record in graph["tasks"]:
            if record.get("running"):
                self._running[_operation_key(record["parameters"])].append(record)

    def abandon_all(self, name: str) -> None:
        for graph in self._graphs.pop(name, ()):
            self.abandon(graph)

    def running(self, operation: Mapping[str, Any]) -> Record | None:
        """Return an operation from before that still runs and does the same, once; None if there is none."""
        if not self._running:
            return None
        records = self._running.get(_operation_key(operation))
        return records.pop(0) if records else None


def _operation_key(operation: Mapping[str, Any]) -> str:
    return repr(sorted((key, repr(value)) for key, value in operation.items() if key not in _CHANGING))


def _is_complete(graph: Record) -> bool:
    """Return whether all entries of the graph were stored before the process that stored them ended."""
    ids = {record["id"] for record in graph["tasks"]}
    return all(ids.issuperset(record["depends_on"]) for record in graph["tasks"])


def match_stored(graph: TaskDependencyGraph, stored: Record) -> dict[str, WorkflowTask] | None:
    """Return the tasks of ``graph``, built again, by the ids that they are stored under.

    Returns None if they are not the stored tasks.
    """
    places = {_notes(record)["place"]: record for record in stored["tasks"] if "place" in _notes(record)}
    tasks = graph.tasks
    if sorted(places) != list(range(len(tasks))):
        return None
    found = {places[place]["id"]: task for place, task in enumerate(tasks)}
    new_ids = {task.id: id for id, task in found.items()}
    for id, record in ((record["id"], record) for record in places.values()):
        if _shape(task_record(found[id], ""), new_ids) != _shape(record, {}):
            return None
    return found


def _shape(record: Record, ids: Mapping[str, str]) -> tuple[Any, ...]:
    """Return what makes a task the same task; ``ids`` translates the ids of other tasks."""
    parameters = record["parameters"]
    subgraph = _notes(record).get("subgraph")
    around = (
        ids.get(subgraph, subgraph) if subgraph else None,
        frozenset(ids.get(id, id) for id in record["depends_on"]),
    )
    if record["kind"] == "operation":
        about = tuple(parameters.get(key) for key in ("instance", "source", "target", "side"))
    else:
        about = tuple((key, repr(value)) for key, value in sorted(parameters.items()) if key != "task")
    return record["kind"], record["name"], about, around


class GraphRestorer:
    """The restoration of one stored graph: which of its tasks have ended, and which are still to be run."""

    def __init__(self, ctx: Context, stored: Record) -> None:
        self._ctx = ctx
        self._id: str = stored["id"]
        self._name: str = stored["name"]
        self._records: dict[str, Record] = {record["id"]: record for record in stored["tasks"]}
        #: By the id of a task, the id of the one that runs in its place.
        self._replaced: dict[str, str] = {
            _notes(record)["replaces"]: id
            for id, record in self._records.items()
            if "replaces" in _notes(record)
        }
        over = {id for id, record in self._records.items() if _is_over(record)} | self._replaced.keys()
        # Nothing is left to do in a subgraph that is over.
        self._over = over | {id for id in self._records if any(outer in over for outer in self._around(id))}
        self._tasks: dict[str, WorkflowTask] = {}

    def into(
        self, graph: TaskDependencyGraph, built: Mapping[str, WorkflowTask] | None = None
    ) -> TaskDependencyGraph:
        """Put what is not over into ``graph``; ``built`` are tasks that it has already, by their stored ids.

        Raises RuntimeError if a task cannot be made again.
        """
        built = built or {}
        if built:
            graph.identify(built)
        for id, task in built.items():
            self._tasks[id] = task
            self._take_up(task, self._records[id])
        for id in self._records:
            if id not in self._over:
                self._restore(id, graph)
        for id, task in self._tasks.items():
            for dependency in self._records[id]["depends_on"]:
                blocker = self._tasks.get(self._awaited(dependency))
                if blocker is not None:
                    graph.add_dependency(task, blocker)
        for id, task in built.items():
            if id in self._over:
                task.status.succeeded(self._records[id].get("result"))
                graph.release(task)
        for id, task in self._tasks.items():
            record = self._records[id]
            if not isinstance(task, OperationTask) or id in self._over:
                continue
            if record.get("running"):
                graph.executor.adopt(task)
            elif self._has_failed(record):
                graph.executor.replay(task, record["failure"])
        graph.journal.restored(self._id)
        return graph

    def _awaited(self, id: str) -> str:
        """Return the id of the task that tasks depending on ``id`` wait for now."""
        newest = self._newest(id)
        if newest == id and self._records[id]["state"] != "succeeded":
            # Its subgraph was rebuilt before it could end: its counterpart is somewhere in the new one.
            return next((self._newest(outer) for outer in self._around(id) if outer in self._replaced), id)
        return newest

    def _newest(self, id: str) -> str:
        while id in self._replaced:
            id = self._replaced[id]
        return id

    def _around(self, id: str) -> Iterator[str]:
        """Yield the ids of the subgraphs that contain the task, the innermost first."""
        outer = _notes(self._records[id]).get("subgraph")
        while outer is not None:
            yield outer
            outer = _notes(self._records[outer]).get("subgraph")

    def _restore(self, id: str, graph: TaskDependencyGraph) -> WorkflowTask:
        task = self._tasks.get(id)
        if task is None:
            record = self._records[id]
            notes = _notes(record)
            task = self._tasks[id] = self._make(record, graph)
            task.info = notes.get("info", task.info)
            task.on_success, task.on_failure = (
                self._handler(notes, "on_success"),
                self._handler(notes, "on_failure"),
            )
            if "retries" in notes:
                task.total_retries, task.retry_interval = notes["retries"][:2]
                task.retry_backoff = notes.get("retry_backoff", 1.0)
            self._take_up(task, record)
            if "subgraph" in notes:
                cast("SubgraphTask", self._restore(notes["subgraph"], graph)).add_task(task)
            else:
                graph.add_task(task)
        return task

    def _take_up(self, task: WorkflowTask, record: Record) -> None:
        """Let the task continue where the stored one stopped."""
        notes = _notes(record)
        task.stored = True
        task.replaces, task.place = notes.get("replaces"), notes.get("place")
        if "retries" in notes and (task.is_subgraph or self._counts(record)):
            task.current_retries = notes["retries"][2]
        if isinstance(task, OperationTask):
            attempt = record.get("attempt") or 0
            if record.get("running") or self._has_failed(record):
                task.attempt = attempt
                return
            task.attempt = attempt + 1
            task.resume = _is_lost(record)
            if task.resume and self._counts(record):
                # An attempt of which nothing is known counts as one; another may follow.
                task.current_retries += 1

    def _counts(self, record: Record) -> bool:
        """Return whether the retries of an operation continue: no user has resumed the execution since."""
        retries = _notes(record).get("retries") or [None] * 4
        return bool(retries[3] == self._ctx.internal.resumed)

    def _has_failed(self, record: Record) -> bool:
        """Return whether the operation failed, and what follows from that was not done before a crash."""
        return (
            record["state"] == TASK_FAILED
            and record.get("failure") is not None
            and not _is_lost(record)
            and self._counts(record)
        )

    def _make(self, record: Record, graph: TaskDependencyGraph) -> WorkflowTask:
        kind, id = record["kind"], record["id"]
        parameters = {key: value for key, value in record["parameters"].items() if key != "task"}
        if kind == "operation":
            operation = {key: value for key, value in parameters.items() if key not in _CHANGING}
            return OperationTask(operation, self._ctx, task_id=id)
        if kind == "subgraph":
            return SubgraphTask(graph, task_id=id)
        if kind == "local":
            function = _function(parameters["function"])
            return LocalWorkflowTask(
                function, self._ctx, kwargs=parameters["kwargs"], name=parameters["name"], task_id=id
            )
        if kind not in _PLAIN:
            raise RuntimeError(
                f"The stored graph `{self._name}` holds a task of a kind that is not known: `{kind}`."
            )
        return _PLAIN[kind](workflow_context=self._ctx, task_id=id, **parameters)

    def _handler(self, notes: Mapping[str, Any], key: str) -> Any:
        try:
            return load_handler(notes.get(key))
        except (ImportError, AttributeError) as error:
            raise RuntimeError(
                f"The execution cannot be resumed: handler `{notes[key]['name']}`, which the stored graph "
                f"`{self._name}` names, cannot be found ({error})."
            ) from error


def _notes(record: Record) -> Mapping[str, Any]:
    notes: Mapping[str, Any] = record["parameters"].get("task") or {}
    return notes


def _is_lost(record: Record) -> bool:
    return (record.get("failure") or {}).get("kind") == LOST


def _is_over(record: Record) -> bool:
    return record["state"] == "succeeded" or record.get("result") in (REMOVED, IGNORED)


def _function(name: str | None) -> Callable[..., Any] | None:
    try:
        return cast("Callable[..., Any]", import_by_name(name)) if name else None
    except (ImportError, AttributeError):
        return None
