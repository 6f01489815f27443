"""Tasks that run a Python function inside the workflow's process, each in a thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from cloudwright.model.json_values import plain
from cloudwright.workflow.importable import importable_name
from cloudwright.workflow.tasks import Context, WorkflowTask

#: The most functions that run at once; more wait for a place.
MAX_THREADS = 8


class ThreadPool:
    """A pool of up to MAX_THREADS threads, each for as long as there is work. They end with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._running = 0

    def submit(self, work: Callable[[], None]) -> None:
        """Run ``work``, which must not raise, in a thread."""
        with self._lock:
            self._waiting.append(work)
            if self._running == MAX_THREADS:
                return
            self._running += 1
        threading.Thread(target=self._run, name="local-task", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._running -= 1
                    return
                work = self._waiting.popleft()
            work()


class LocalWorkflowTask(WorkflowTask):
    """A call of a function.

    It is stored by the function's name: only a function that can be imported runs again when its graph is
    resumed.
    """

    kind = "local"

    def __init__(
        self,
        local_task: Callable[..., Any] | None,
        workflow_context: Context,
        node: Any = None,
        kwargs: dict[str, Any] | None = None,
        name: str | None = None,
        **config: Any,
    ) -> None:
        """``local_task`` is None for a stored task whose function cannot be imported: it fails later."""
        super().__init__(workflow_context, **config)
        self.local_task = local_task
        self.node = node
        self.kwargs = kwargs or {}
        self._name = name or getattr(local_task, "__name__", None) or repr(local_task)

    @property
    def name(self) -> str:
        return self._name

    def parameters(self) -> dict[str, Any]:
        function = importable_name(self.local_task) if plain(self.kwargs) == self.kwargs else None
        return {"name": self._name, "function": function, "kwargs": self.kwargs if function else {}}

    def run(self) -> Any:
        if self.local_task is None:
            raise RuntimeError(
                f"The local task `{self._name}` did not end before the execution was resumed, and cannot be "
                "run again: its function cannot be imported, or its arguments are not JSON. Define it at the "
                "top level of a module."
            )
        return self.local_task(**self.kwargs)


class GetNodeInstanceStateTask(WorkflowTask):
    """A task that returns a node instance's state as it is when the task runs."""

    kind = "get_state"

    def __init__(self, node_instance_id: str, workflow_context: Context, **kwargs: Any) -> None:
        super().__init__(workflow_context, send_task_events=False, **kwargs)
        self.node_instance_id = node_instance_id

    def parameters(self) -> dict[str, Any]:
        return {"node_instance_id": self.node_instance_id}

    def run(self) -> Any:
        return self.workflow_context.internal.call("node_instance", id=self.node_instance_id)["state"]
