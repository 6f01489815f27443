"""The errors that end a workflow.

::

    Exception
    ├── ExecutionCancelled      the execution is cancelled
    └── RuntimeError
        └── WorkflowFailed      tasks of a graph failed
"""

from __future__ import annotations

from typing import Any


class ExecutionCancelled(Exception):
    """The execution is to be cancelled. A workflow that has stopped raises it, or lets it pass."""


class WorkflowFailed(RuntimeError):
    """Tasks of a graph failed.

    Parameters:
        causes: The failures, as dictionaries with ``message``, ``type`` and ``traceback``.
        hide_traceback: Whether the message is enough without a traceback; existing workflows set it.
        traceback: The traceback of the first failed operation, as its worker recorded it.
    """

    def __init__(
        self,
        *args: object,
        causes: list[dict[str, Any]] | None = None,
        hide_traceback: bool = False,
        traceback: str = "",
    ) -> None:
        super().__init__(*args)
        self.causes = causes or []
        self.hide_traceback = hide_traceback
        self.traceback = traceback
