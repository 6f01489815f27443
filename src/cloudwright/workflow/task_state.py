"""The state of a task: its statuses, the allowed transitions, and its result.

``TRANSITIONS`` is the only table of its kind. Only the verbs of ``TaskState`` change a status, and each
refuses what the table does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cloudwright.workflow.errors import ExecutionCancelled

# Not begun, or waiting for its turn again.
TASK_PENDING = "pending"
# An operation whose turn has come; it is sent with others.
TASK_SENDING = "sending"
# An operation that was sent, and has not been started.
TASK_SENT = "sent"
# It runs.
TASK_STARTED = "started"
# It has failed, and waits for its next attempt.
TASK_RESCHEDULED = "rescheduled"
# Ended well.
TASK_SUCCEEDED = "succeeded"
# Ended badly.
TASK_FAILED = "failed"
#: What the host reports of an operation that was revoked before it began; no task is in this status.
TASK_CANCELLED = "cancelled"

TERMINATED_STATES = [TASK_SUCCEEDED, TASK_FAILED]

TRANSITIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        # What is done on the spot ends at once; an operation from before a resume is started already.
        TASK_PENDING: frozenset(
            {TASK_SENDING, TASK_STARTED, TASK_SUCCEEDED, TASK_FAILED, TASK_RESCHEDULED, TASK_PENDING}
        ),
        TASK_SENDING: frozenset({TASK_SENT, TASK_STARTED, TASK_PENDING}),
        # One that was revoked takes another turn if the workflow still wants it.
        TASK_SENT: frozenset({TASK_STARTED, TASK_SUCCEEDED, TASK_FAILED, TASK_PENDING}),
        # The host may report the start of an adopted operation once more.
        TASK_STARTED: frozenset({TASK_STARTED, TASK_SUCCEEDED, TASK_FAILED, TASK_PENDING}),
        # Only a handler, or the rules of retries, lead out of an end.
        TASK_SUCCEEDED: frozenset({TASK_RESCHEDULED}),
        TASK_FAILED: frozenset({TASK_RESCHEDULED}),
        TASK_RESCHEDULED: frozenset({TASK_PENDING}),
    }
)


class TaskState:
    """The status of one task, and its outcome once it has one.

    ``value`` is what the task returned and ``error`` what it failed with; both are None while ``is_set`` is
    False. ``observed`` is whether the workflow has seen the outcome, or was kept from waiting for it.
    """

    __slots__ = ("error", "is_set", "observed", "status", "value")

    def __init__(self) -> None:
        self.status = TASK_PENDING
        self.is_set = False
        self.value: Any = None
        self.error: BaseException | None = None
        self.observed = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.status}>"

    @property
    def is_pending(self) -> bool:
        return self.status == TASK_PENDING

    @property
    def is_started(self) -> bool:
        return self.status == TASK_STARTED

    @property
    def is_rescheduled(self) -> bool:
        return self.status == TASK_RESCHEDULED

    @property
    def is_terminated(self) -> bool:
        return self.status in TERMINATED_STATES

    # Transitions.

    def sending(self) -> None:
        """Take the operation's turn: it is sent with the next frame."""
        self._enter(TASK_SENDING)

    def withdrawn(self) -> None:
        """Give the turn back: the operation was not sent."""
        self._enter(TASK_PENDING)

    def revoked(self) -> None:
        """Give the turn back: the host did not run the operation that was sent."""
        self._enter(TASK_PENDING)

    def sent(self) -> None:
        self._enter(TASK_SENT)

    def started(self) -> None:
        self._enter(TASK_STARTED)

    def succeeded(self, value: Any = None) -> None:
        """End well, with what the task returned."""
        self._enter(TASK_SUCCEEDED)
        self.is_set, self.value, self.error = True, value, None

    def failed(self, error: BaseException | None) -> None:
        """End badly, with what the task failed with."""
        self._enter(TASK_FAILED)
        if not isinstance(error, ExecutionCancelled):
            # Whatever was seen before was not this.
            self.observed = False
        self.is_set, self.value, self.error = True, None, error

    def refused(self, error: BaseException) -> None:
        """Never begin: the outcome is ``error``, although nothing ran."""
        self._enter(TASK_PENDING)
        self.is_set, self.value, self.error = True, None, error

    def rescheduled(self) -> None:
        """Wait for another attempt; the outcome of the one before is dropped."""
        self._enter(TASK_RESCHEDULED)
        self.is_set, self.value, self.error = False, None, None

    def due(self) -> None:
        """Let the next attempt take its turn."""
        self._enter(TASK_PENDING)

    def _enter(self, status: str) -> None:
        if status not in TRANSITIONS[self.status]:
            raise RuntimeError(f"A task that is `{self.status}` cannot become `{status}`.")
        self.status = status
