"""A standard cancellation, as the workflow that is asked to stop experiences it.

* Executing a graph is interrupted: ``graph.execute()`` raises ExecutionCancelled.
* Waiting for a single task is interrupted as well if the workflow never calls
  ``api.has_cancel_request()``. One that calls it decides by itself when and how it stops: the task that it
  waits for comes to its end first. Only a pause before another attempt is interrupted in any case.
* The request interrupts once. When ExecutionCancelled was raised, or ``has_cancel_request()`` returned True,
  the workflow knows; what it launches or waits for from then on is run as before, so that it can clean up.
* What it launched before, and what has not begun, does not begin any more unless it waits for it again.
* The function of a local task and the workflow know, or do not know, each by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from cloudwright.workflow.errors import ExecutionCancelled


class Cancellation:
    """The request to cancel one execution, and what its workflow knows of it.

    ``requested`` is the mode of the request, or None; ``polled`` is whether the workflow ever asked about it.
    """

    def __init__(self) -> None:
        self.requested: str | None = None
        self.polled = False
        self._known = False
        # In the thread of a local task, `known` is whether its function knows.
        self._thread = threading.local()

    @property
    def acknowledged(self) -> bool:
        """Whether the workflow knows of the request; in a local task's thread, whether its function does."""
        return getattr(self._thread, "known", self._known)

    def acknowledge(self) -> None:
        """Record that the workflow, or this thread's local task, knows of the request, if there is one."""
        if self.requested is None:
            return
        if self.in_local_task:
            self._thread.known = True
        else:
            self._known = True

    @property
    def in_local_task(self) -> bool:
        """Whether this thread runs the function of a local task."""
        return hasattr(self._thread, "known")

    def enter_thread(self, known: bool) -> None:
        """Begin a local task in this thread, in knowledge of the request if ``known``."""
        self._thread.known = known

    def poll(self) -> bool:
        """Return whether the execution is to be cancelled, for the workflow to decide what follows."""
        self.polled = True
        self.acknowledge()
        return self.acknowledged

    @property
    def unacknowledged(self) -> bool:
        """Whether there is a request that the workflow neither knows of nor asks about: it begins unknowingly
        what it begins now.
        """
        return self.requested is not None and not (self.acknowledged or self.polled)

    def watch_graph(self) -> Watch:
        """Return the watch of the execution of a graph that begins now."""
        return Watch(self, interruptible=not self.acknowledged)

    def watch_task(self, pausing: Callable[[], bool]) -> Watch:
        """Return the watch of a wait for one task.

        ``pausing`` returns whether the task waits for another attempt.
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
        """Whether the wait is to end."""
        cancellation = self._cancellation
        if cancellation.requested is None:
            return False
        return self._interruptible or (not cancellation.acknowledged and self._pausing())

    def check(self) -> None:
        """Raise ExecutionCancelled if the wait is to end; the workflow knows of the request from then on."""
        if self.interrupted:
            self._cancellation.acknowledge()
            raise ExecutionCancelled("The execution was asked to stop.")
