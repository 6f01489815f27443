"""The manager's side of a workflow's connection: stores its journal frames, and answers its calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from cloudwright.errors import InvalidInput, StaleTerm
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.dispatcher import Dispatcher
from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.manager.execution_context import Chunk, ExecutionSnapshot
from cloudwright.manager.workflow_host import WorkflowHost
from cloudwright.manager.workflow_steps import WorkflowSteps
from cloudwright.model.frames.methods import WORKFLOW_METHODS, call_problem
from cloudwright.storage import journal
from cloudwright.storage.executions import claims
from cloudwright.storage.records import JournalResult
from cloudwright.storage.store import Store


class WorkflowJournal:
    """A ``workflow_host.Journal`` over the store. ``host`` is set once there is one."""

    def __init__(
        self,
        store: Store,
        recorder: EventRecorder,
        dispatcher: Dispatcher,
        rpc: ChildRpc,
        steps: WorkflowSteps,
        snapshot: ExecutionSnapshot,
        term: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._dispatcher = dispatcher
        self._rpc = rpc
        self._steps = steps
        self._snapshot = snapshot
        self._term = term
        self._clock = clock
        self.host: WorkflowHost | None = None
        #: Chunks of the begin frame that the process has not fetched yet, by their numbers.
        self.pending_chunks: dict[int, Chunk] = {}

    def apply(self, entries: list[list[Any]], aware: bool) -> Awaitable[None]:
        id = self._snapshot.execution.id
        self._recorder.flush()
        if self._snapshot.concealment:
            entries = [self._concealed(entry) for entry in entries]
        write = self._store.write_about(
            (id,), journal.apply, id, self._term, entries, self._clock(), aware=aware
        )
        return self._applied(write, aware)

    def _concealed(self, entry: list[Any]) -> list[Any]:
        """Return an entry without the secrets that the execution has read."""
        match entry:
            case ["event" | "log" as kind, said]:
                shown = {key: said[key] for key in ("message", "details") if key in said}
                return [kind, said | self._snapshot.concealment.mask_in(shown)]
            case ["graph", id, name, tasks]:
                return ["graph", id, name, [self._sealed_task(task) for task in tasks]]
            case ["tasks", id, tasks]:
                return ["tasks", id, [self._sealed_task(task) for task in tasks]]
            case ["task", id, state, result]:
                return ["task", id, state, self._seal(result)]
            case ["run", operation]:
                return ["run", operation | {"inputs": self._seal(operation["inputs"])}]
        return entry

    def _sealed_task(self, task: dict[str, Any]) -> dict[str, Any]:
        parameters = task.get("parameters") or {}
        if "inputs" in parameters:
            # What else is said of an operation is the blueprint's.
            return task | {"parameters": parameters | {"inputs": self._seal(parameters["inputs"])}}
        return task | {"parameters": self._seal(parameters)}

    def _seal(self, value: Any) -> Any:
        return self._rpc.seal(self._snapshot, value)

    async def _applied(self, write: Awaitable[JournalResult], aware: bool) -> None:
        result = await write
        if result.sent:
            self._dispatcher.send(self._snapshot, self._term, result.sent, aware=aware)
        if self.host is not None:
            for id in result.refused:
                self.host.operation(
                    {"id": id, "attempt": None, "state": "cancelled", "result": None, "failure": None}
                )
        self._recorder.changed(self._snapshot.execution.id, "events")

    async def answer(self, method: str, args: dict[str, Any]) -> Any:
        """Return the value of a call's reply. Raises errors.CloudwrightError to refuse it."""
        if method not in WORKFLOW_METHODS:
            return await self._rpc.handle(self._snapshot, method, args, aware=bool(args.get("aware")))
        problem = call_problem(method, args, WORKFLOW_METHODS)
        if problem is not None:
            raise InvalidInput(problem)
        if method == "context_chunk":
            part = self.pending_chunks.pop(args["part"], None)
            if part is None:
                raise InvalidInput(f"Unknown or already consumed chunk {args['part']} of the begin frame.")
            return part
        if method == "begin":
            return await self._begin()
        return await self._steps.answer(method, args)

    async def _begin(self) -> None:
        """Record that a workflow which cannot be resumed is about to be called. Raises StaleTerm."""
        id = self._snapshot.execution.id
        if not await self._store.write_about((id,), claims.begin, id, self._term):
            raise StaleTerm(
                f"The workflow of execution `{id}` was not begun: the execution was forced to end, or "
                f"another manager than that of term {self._term} owns it."
            )

    def output(self, line: str, level: str) -> None:
        self._recorder.log(self._snapshot.execution.id, level, line, logger="stdout")
