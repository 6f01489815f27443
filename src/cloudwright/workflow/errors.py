"""What a workflow ends with when it does not end well."""

from __future__ import annotations

from typing import Any


class ExecutionCancelled(Exception):
    """The execution was asked to stop. A workflow that has stopped raises it, or lets it pass."""


class WorkflowFailed(RuntimeError):
    """Tasks of a graph failed.

    ``traceback`` is that of the first failed operation, as its worker recorded it. ``hide_traceback`` says
    that the message is all there is to know; existing workflows set it.
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
