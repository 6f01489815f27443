"""A standard cancellation, as the workflow that is asked to stop experiences it.

* Executing a graph is interrupted: ``graph.execute()`` raises ExecutionCancelled.
* Waiting for a single task is interrupted as well where the workflow never asks
  ``api.has_cancel_request()``. One that asks decides by itself when and how it stops: the task that it
  waits for comes to its end first. Only a pause before another attempt is interrupted in any case.
* The request interrupts once. When ExecutionCancelled was raised, or the workflow asked and was answered
  yes, it knows; from then on everything can be run and waited for as before, so that it can clean up behind
  it.
"""

from __future__ import annotations

from collections.abc import Callable

from cloudwright.workflow.errors import ExecutionCancelled


class Cancellation:
    """``requested`` is the mode that was asked for, or None; ``polled`` whether the workflow ever asked about
    it; ``acknowledged`` whether it knows.
    """

    def __init__(self) -> None:
        self.requested: str | None = None
        self.polled = False
        self.acknowledged = False

    def poll(self) -> bool:
        """The workflow asks whether it is to stop."""
        self.polled = True
        self.acknowledge()
        return self.acknowledged

    def acknowledge(self) -> None:
        """Record that the workflow knows of the request, if there is one."""
        self.acknowledged = self.acknowledged or self.requested is not None

    @property
    def unacknowledged(self) -> bool:
        """Requested, and the workflow neither knows nor asks: what it begins now, it begins unknowingly."""
        return self.requested is not None and not (self.acknowledged or self.polled)

    def watch_graph(self) -> Watch:
        """What the execution of a graph that begins now looks at."""
        return Watch(self, interruptible=not self.acknowledged)

    def watch_task(self, pausing: Callable[[], bool]) -> Watch:
        """What waiting for a task looks at.

        ``pausing`` answers whether the task waits for another attempt.
        """
        return Watch(self, interruptible=not (self.acknowledged or self.polled), pausing=pausing)


class Watch:
    """One wait's view of the cancellation."""

    def __init__(
        self, cancellation: Cancellation, *, interruptible: bool, pausing: Callable[[], bool] = lambda: False
    ) -> None:
        self._cancellation = cancellation
        self._interruptible = interruptible
        self._pausing = pausing

    @property
    def interrupted(self) -> bool:
        cancellation = self._cancellation
        if cancellation.requested is None:
            return False
        return self._interruptible or (not cancellation.acknowledged and self._pausing())

    def check(self) -> None:
        """Raise ExecutionCancelled where the wait is interrupted; the workflow knows from then on."""
        if self.interrupted:
            self._cancellation.acknowledged = True
            raise ExecutionCancelled("The execution was asked to stop.")
