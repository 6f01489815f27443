"""What tasks, graphs and the topology need of the workflow that they belong to.

They know nothing else of it. ``runtime`` implements ``TaskRuntime`` over the connection to the host, and
``context`` implements ``TaskContext``. ``Task`` stands for ``tasks.WorkflowTask``, which imports this module.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

Task_contra = TypeVar("Task_contra", contravariant=True)


class TaskRuntime(Protocol[Task_contra]):
    """The runtime of a workflow, as its tasks use it."""

    @property
    def resumed(self) -> int:
        """How often a user resumed the execution."""

    def begin(self, task: Task_contra) -> Any:
        """Return the task itself in graph mode; else launch it, and return its result to come."""

    def launch(self, task: Task_contra) -> None:
        """Run a task now, outside of any graph's order."""

    def wait_for(self, task: Task_contra, timeout: float | None) -> None:
        """Wait for the task's end; see ``WorkflowTaskResult.get``."""

    def acknowledge_cancel(self) -> None:
        """Record that the workflow knows of the request to cancel it."""

    def call(self, method: str, /, **args: Any) -> Any:
        """Ask the host, and wait for the reply."""

    def event(self, event_type: str, message: str, **fields: Any) -> None:
        """Record an event of the execution."""

    def set_state(self, node_instance_id: str, state: str) -> None:
        """Set a node instance's state."""

    def put_system_properties(self, node_instance_id: str, values: dict[str, Any]) -> None:
        """Put these keys into a node instance's system properties; None takes a key out."""

    def logger_of(self, node_instance_id: str | None = None) -> logging.Logger:
        """Return the logger of a node instance, or of the workflow."""

    def get_task_configuration(self) -> dict[str, Any]:
        """Return the retries of a task for which nothing else is given."""

    def get_subgraph_task_configuration(self) -> dict[str, Any]:
        """Return the retries of a subgraph for which nothing else is given."""


class NodeInstance(Protocol):
    """A node instance, as tasks and the runtime use it."""

    @property
    def node_id(self) -> str: ...

    @property
    def system_properties(self) -> dict[str, Any]: ...

    def record_system_properties(self, values: Mapping[str, Any]) -> None:
        """Show system properties that the workflow has put."""

    def record_state(self, state: str) -> None:
        """Show the state that the workflow has set."""


class TaskContext(Protocol[Task_contra]):
    """The context of a workflow (``ctx``), as its tasks use it."""

    @property
    def internal(self) -> TaskRuntime[Task_contra]: ...

    @property
    def dry_run(self) -> bool: ...

    def get_node_instance(self, node_instance_id: str) -> NodeInstance | None: ...


class OperationSubject(Protocol):
    """What an operation is run on: a node instance, or a relationship instance."""

    def operation_subject(self, side: str | None) -> tuple[Mapping[str, Any], str | None]:
        """Return the keys that name the subject in an operation, and the host instance of the end that runs
        it.
        """
