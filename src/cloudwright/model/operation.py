"""States of an operation, and the decision to retry it.

An operation is one task of an execution that runs outside the workflow's process. ``attempt`` counts from 1;
a retry is the same operation with the next attempt, never a second row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class OperationState(StrEnum):
    # Part of a stored graph; the workflow has not asked for it yet.
    PENDING = "pending"
    # The workflow asked for it; it waits for a worker.
    SENT = "sent"
    # Granted to a worker: from here on a process may exist, and its code may begin.
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    # Revoked before its code began: its execution was asked to stop, or ended, first.
    CANCELLED = "cancelled"


O = OperationState  # noqa: E741 - short on purpose: the table below is read as a whole

OPERATION_ENDS = frozenset({O.SUCCEEDED, O.FAILED, O.CANCELLED})

OPERATION_TRANSITIONS: Mapping[OperationState, frozenset[OperationState]] = MappingProxyType(
    {
        O.PENDING: frozenset({O.SENT, O.SUCCEEDED, O.FAILED, O.CANCELLED}),
        O.SENT: frozenset({O.STARTED, O.FAILED, O.CANCELLED}),
        O.STARTED: frozenset({O.SUCCEEDED, O.FAILED, O.CANCELLED}),
        O.SUCCEEDED: frozenset(),
        # A retry, or a resume of the execution, sends it again with the next attempt.
        O.FAILED: frozenset({O.SENT}),
        O.CANCELLED: frozenset({O.SENT}),
    }
)


#: The kind of the failure of an operation whose agent is away for so long that its workflow passes over it.
AGENT_IS_AWAY = "AgentIsAway"
#: A backoff makes no wait longer than this (seconds): what failed is looked at again within the hour.
LONGEST_BACKOFF = 3600.0
MOST_BACKOFF_STEPS = 100


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """``max_retries`` -1 is without end; ``interval`` is in seconds, and each further retry waits ``backoff``
    times as long as the one before it.
    """

    max_retries: int = 60
    interval: float = 15.0
    backoff: float = 1.0

    def delay(self, attempt: int) -> float:
        """Return the seconds between a failed attempt (from 1) and the next one."""
        if self.backoff <= 1.0:
            return self.interval
        # Beyond this many steps it is the longest whatever the factor is, and the power would overflow.
        steps = min(attempt - 1, MOST_BACKOFF_STEPS)
        return min(self.interval * min(self.backoff, 1000.0) ** steps, max(self.interval, LONGEST_BACKOFF))


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt did not succeed, as the operation's supervisor recorded it.

    ``recoverable`` is False for NonRecoverableError and its like; any other exception may be retried.
    ``retry_after`` (seconds) is the operation's own wish and beats the policy's interval.
    """

    message: str
    recoverable: bool = True
    retry_after: float | None = None
    kind: str = "Exception"
    traceback: str = ""
    #: Where in the user's code it was raised, and the errors that led to it.
    place: str = ""
    causes: Sequence[Mapping[str, Any]] = ()

    @property
    def headline(self) -> str:
        return headline(self.kind, self.message, self.place)


#: Kinds of failures whose message says it all: those that plugins raise to say how the operation went, and
#: what the engine says of an operation that could not say so itself.
_SPEAKING = frozenset(
    {
        "Exception",
        "NonRecoverableError",
        "RecoverableError",
        "OperationRetry",
        "SerializationRetry",
        "HttpException",
        "ScriptException",
        "ProcessException",
        "SystemExit",
        "KeyboardInterrupt",
        "MemoryError",
        "RecursionError",
        "Cancelled",
        "Lost",
        "ForkFailed",
        "OperationTimeout",
        "ProcessDied",
        "InvalidEnd",
    }
)


def headline(kind: str, message: str, place: str = "") -> str:
    """Return a failure as it is said in a line: `KeyError: 'port' (plugins/p/tasks.py:4, in deep)`."""
    text = message if kind in _SPEAKING or message == kind else f"{kind}: {message}"
    if not place:
        return text
    first, newline, rest = text.partition("\n")
    return f"{first} ({place}){newline}{rest}"


#: How an operation failed whose processes ended with its worker.
LOST = Failure(
    "The worker that ran this operation was lost, and its processes were ended. "
    "What it had done by then is not known.",
    kind="Lost",
)


#: What the message of an operation begins with that never came to run.
NOT_STARTED = "The operation could not be started"
_WITHOUT_AN_ANSWER = frozenset({LOST.kind, "Cancelled", "ForkFailed", "ProcessDied", "InvalidEnd"})


def says_nothing(failure: Failure) -> bool:
    """Return whether the operation did not come to an end of its own, so that its failure says nothing of
    what it was to look at: its process was killed or lost, or never ran.
    """
    return failure.kind in _WITHOUT_AN_ANSWER or failure.message.startswith(NOT_STARTED)


def retry_delay(policy: RetryPolicy, attempt: int, failure: Failure) -> float | None:
    """Seconds until the next attempt, or None when ``attempt`` was the last.

    ``attempt`` is the one that failed, from 1: with ``max_retries`` 2 an operation runs three times at most.
    """
    if not failure.recoverable:
        return None
    if 0 <= policy.max_retries < attempt:
        return None
    return policy.delay(attempt) if failure.retry_after is None else failure.retry_after
