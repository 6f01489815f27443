"""The runner: supervises the processes of operations for a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cloudwright.errors import Conflict, Unavailable
from cloudwright.model.frames.checking import FrameCheck
from cloudwright.model.frames.operation import check_from_operation
from cloudwright.process.backlog import SharedBacklog
from cloudwright.process.child import ChildSpec
from cloudwright.process.operation_process import Gate, OperationEnd, OperationProcess, OperationSink
from cloudwright.process.supervisor import Zygote

__all__ = ["Gate", "OperationEnd", "OperationSink", "Runner", "RunningOperation"]


@dataclass(frozen=True, slots=True)
class RunningOperation:
    """``pid`` is None until the process is forked; ``since`` is when it was asked for (UTC)."""

    operation_id: str
    pid: int | None
    since: datetime


class Runner:
    def __init__(
        self,
        sink: OperationSink,
        *,
        kill_grace: float = 5.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``kill_grace`` is how long an operation has between SIGTERM and SIGKILL (seconds)."""
        self._sink = sink
        self._kill_grace = kill_grace
        self._clock = clock
        self._backlog = SharedBacklog()
        self._closing = False
        # Those that run, and those that have ended but could not be killed wholly.
        self._attempts: dict[str, OperationProcess] = {}

    @property
    def running(self) -> Mapping[str, RunningOperation]:
        """The operations that have not ended, by id, as they are now."""
        return {
            key: RunningOperation(key, attempt.child.pid if attempt.child else None, attempt.since)
            for key, attempt in self._attempts.items()
            if not attempt.over.done()
        }

    async def run(
        self,
        zygote: Zygote,
        operation_id: str,
        begin: Mapping[str, Any],
        *,
        attempt: int = 0,
        entry: str,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        memory_limit: int | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the operation's own, not this call's
        timeout_recoverable: bool = True,
        gate: Gate | None = None,
        check_sent: FrameCheck | None = None,
    ) -> None:
        """Fork the operation's process and send it ``begin`` (the frame without its type); returns once it is
        forked.

        If it cannot be forked, the sink gets an end with a recoverable failure. ``timeout`` is in
        seconds, ``memory_limit`` in bytes of writable memory, ``check_sent`` the check of what the process is
        sent, which it does not check itself. Raises errors.Conflict when the operation runs
        here already, errors.Unavailable when the runner is closing.
        """
        if self._closing:
            raise Unavailable(f"Operation {operation_id} cannot be started: its worker is stopping.")
        if operation_id in self._attempts:
            raise Conflict(f"Operation {operation_id} runs already: it is never run twice at the same time.")
        spec = ChildSpec(
            operation_id,
            entry,
            env or {},
            cwd,
            memory_limit,
            check=check_from_operation,
            check_sent=check_sent,
            attempt=attempt,
        )
        process = OperationProcess(
            operation_id, self._clock(), self._sink, self._kill_grace, self._backlog, self._forget
        )
        self._attempts[operation_id] = process
        await process.run(zygote, spec, begin, timeout, timeout_recoverable, gate)

    async def kill(self, operation_id: str, reason: str) -> bool:
        """SIGTERM, ``kill_grace`` seconds, SIGKILL, to all that the operation started.

        True when all of it is gone and the sink got the end, or the operation does not run here.
        False when it lives on regardless; the sink got an event, and it can be tried again. A second kill
        joins the first.
        """
        attempt = self._attempts.get(operation_id)
        return True if attempt is None else await attempt.kill(reason)

    def revoke(self, operation_id: str) -> bool:
        """Keep the operation from beginning; False if it was sent ``begin`` already. One that does not run
        here was not.
        """
        attempt = self._attempts.get(operation_id)
        return attempt is None or attempt.revoke()

    async def begun(self, operation_id: str, timeout: float) -> bool:  # noqa: ASYNC109 - see Attempt.begun
        """Wait until the operation's code begins or it is over; False if it did neither in that time."""
        attempt = self._attempts.get(operation_id)
        return attempt is None or await attempt.begun(timeout)

    def cancel(self, operation_id: str, mode: str) -> None:
        """Notify the operation, if it runs here, that its execution was asked to stop."""
        attempt = self._attempts.get(operation_id)
        if attempt is not None:
            attempt.cancel(mode)

    async def close(self) -> None:
        """Kill every operation that runs, and accept no more."""
        self._closing = True
        await asyncio.gather(*(self.kill(key, "its worker is stopping") for key in list(self._attempts)))

    def _forget(self, attempt: OperationProcess) -> None:
        child = attempt.child
        if attempt.killed and child is not None and not child.tree_gone.done():
            # What is left of it must not run beside a next attempt, and may be killed again.
            child.tree_gone.add_done_callback(lambda _: self._forget(attempt))
        elif self._attempts.get(attempt.operation_id) is attempt:
            del self._attempts[attempt.operation_id]
