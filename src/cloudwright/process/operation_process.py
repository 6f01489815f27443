"""One attempt of an operation: its process, from the fork to the report of its end."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Literal, Protocol, cast

from cloudwright.errors import Unavailable
from cloudwright.model.frames import common as frames
from cloudwright.model.frames.common import Call
from cloudwright.model.frames.operation import End
from cloudwright.model.operation import Failure
from cloudwright.process.backlog import Backlog, SharedBacklog
from cloudwright.process.child import Child, ChildSpec, ExitStatus
from cloudwright.process.frames import VERSION, FrameError
from cloudwright.process.limits import DEATH_SECONDS, LEAVE_SECONDS
from cloudwright.process.output import OutputLines
from cloudwright.process.rpc import serve
from cloudwright.process.supervisor import Zygote

#: How many calls of one process may be unanswered; until one is answered nothing more is read from it.
MAX_CALLS = 64

#: Returns None if an operation may begin now, else what has to be awaited before it is called again.
Gate = Callable[[], Awaitable[object] | None]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OperationEnd:
    """How an attempt ended: `cancelled` means that it was revoked before it began.

    ``exit_status`` is None if no process was forked. ``tree_gone`` says whether all that it started
    was gone by then: an operation that ended by itself may leave a server running on purpose.
    """

    state: Literal["succeeded", "failed", "cancelled"]
    # What users' code made is not in its repr, which a failed callback puts into the log.
    result: Any = field(default=None, repr=False)
    failure: Failure | None = field(default=None, repr=False)
    updates: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    exit_status: ExitStatus | None = None
    tree_gone: bool = True


class OperationSink(Protocol):
    """Receives reports of operations; called in the event loop."""

    def started(self, operation_id: str, pid: int) -> None:
        """Its process exists."""

    def message(self, operation_id: str, message: dict[str, Any]) -> asyncio.Future[None]:
        """Take a ``log`` or ``event`` frame, or a line of output as a ``log`` frame whose ``logger`` is
        ``stdout``.

        Returns what is done once it is stored. While too much waits for that, the process is not read from.
        """

    async def call(self, operation_id: str, method: str, args: dict[str, Any]) -> Any:
        """Answer a ``call``; what is raised goes back as the reply's error. Cancelled when the process dies
        meanwhile.
        """

    def signalled(self, operation_id: str, signum: int, reason: str) -> None:
        """A signal was sent to what it started, or to its own process."""

    def ended(self, operation_id: str, end: OperationEnd) -> None:
        """It is over: once, and last."""


class OperationProcess:
    """Observes the child, speaks to the sink, and owns the kill ladder.

    ``over`` is set after the end was reported to the sink. A kill requested before the process exists waits
    for it.
    """

    def __init__(
        self,
        operation_id: str,
        since: datetime,
        sink: OperationSink,
        kill_grace: float,
        shared: SharedBacklog,
        forget: Callable[[OperationProcess], None],
    ) -> None:
        """``forget`` is called when it is over, before the sink is."""
        self._loop = asyncio.get_running_loop()
        self.operation_id = operation_id
        self.since = since
        self.over: asyncio.Future[None] = self._loop.create_future()
        self._sink = sink
        self._kill_grace = kill_grace
        self._forget = forget
        # None if it could not be forked.
        self._forked: asyncio.Future[Child | None] = self._loop.create_future()
        self._lines = OutputLines(self._line)
        self._calls: set[asyncio.Task[None]] = set()
        self._backlog = Backlog(shared, self._balance)
        self._said: End | None = None
        self._learn: Callable[[Any], None] | None = None
        self._fault: str | None = None
        self._kill_reason: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._limit: float | None = None
        self._timed_out = False
        self._limit_recoverable = True
        self._told = False
        self._revoked = False
        self._begun = False
        self._begins: asyncio.Future[None] | None = None
        self._killing: asyncio.Task[bool] | None = None
        self._finishing: asyncio.Task[None] | None = None

    @property
    def child(self) -> Child | None:
        """The process, once it is forked."""
        return self._forked.result() if self._forked.done() else None

    @property
    def killed(self) -> bool:
        """Whether a kill was requested."""
        return self._killing is not None

    async def run(
        self,
        zygote: Zygote,
        spec: ChildSpec,
        begin: Mapping[str, Any],
        limit: float | None,
        limit_recoverable: bool,
        gate: Gate | None,
    ) -> None:
        """Fork the process and, once ``gate`` lets it, send it ``begin``; returns then, or once the sink was
        notified that it cannot be forked.
        """
        self._learn = zygote.learn
        try:
            child = await zygote.fork(spec, self)
        except Unavailable as error:
            self._forked.set_result(None)
            failed = OperationEnd("failed", failure=Failure(str(error), kind="ForkFailed"))
            self._report_end(OperationEnd("cancelled") if self._revoked else failed)
            return
        except BaseException:
            self._forked.set_result(None)
            self._leave()
            raise
        self._forked.set_result(child)
        self._sink.started(self.operation_id, child.pid)
        while gate is not None and not self._revoked and (opened := gate()) is not None:
            await opened
        if self._revoked:
            child.signal(signal.SIGKILL)
            return
        if self._killing is not None or self.over.done():
            return
        self._told = True
        if limit is not None:
            self._limit = limit
            self._limit_recoverable = limit_recoverable
            self._timer = self._loop.call_later(limit, self._time_out)
        try:
            child.send({"type": "begin", "version": VERSION, **begin})
        except (TypeError, ValueError, FrameError) as error:
            self._fault = f"it could not be sent its first frame ({error})"
            self._signal(signal.SIGKILL, self._fault)

    async def kill(self, reason: str) -> bool:
        """SIGTERM, grace, SIGKILL, to all that it started; True when that is gone and the end was reported.
        A second call joins the first.
        """
        if self._killing is None or (self._killing.done() and not self._killing.result()):
            self._kill_reason = reason
            self._killing = self._loop.create_task(self._ladder(reason))
        gone = await asyncio.shield(self._killing)
        if gone:
            await asyncio.wait([self.over])
        return gone

    def revoke(self) -> bool:
        """Keep it from beginning; False if ``begin`` was sent already. Its process, if there is one or will
        be, is killed, and its end is `cancelled`.
        """
        if self._told:
            return False
        if not self._revoked:
            self._revoked = True
            if self.child is not None:
                self.child.signal(signal.SIGKILL)
        return True

    async def begun(self, timeout: float) -> bool:  # noqa: ASYNC109 - False is an answer, not an error
        """Wait until its code begins or it is over; False if it did neither within ``timeout`` seconds."""
        if self._begun or self.over.done():
            return True
        if self._begins is None:
            self._begins = self._loop.create_future()
        either = [self._begins, self.over]
        await asyncio.wait(either, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        return self._begun or self.over.done()

    def cancel(self, mode: str) -> None:
        """Notify the process that its execution was asked to stop."""
        if self.child is not None:
            self.child.send({"type": "cancel", "mode": str(mode)})

    # The child's observer.

    def frame(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind in ("log", "event"):
            stored = self._sink.message(self.operation_id, message)
            if self.child is not None:
                self._backlog.add(self.child.frame_size, stored)
        elif kind == "call":
            self._call(cast(Call, message))
        elif kind == "begun":
            self._begun = True
            if self._begins is not None and not self._begins.done():
                self._begins.set_result(None)
        elif kind == "end" and self._said is None:
            self._said = cast(End, message)
            if self._learn is not None and "loaded" in message:
                self._learn(message["loaded"])
            self._stop_timer()
            self._timer = self._loop.call_later(LEAVE_SECONDS, self._make_leave)
        else:
            self._fault = f"it sent an unexpected frame of type {kind!r}"
            self._signal(signal.SIGKILL, self._fault)

    def output(self, data: bytes) -> None:
        self._lines.feed(data)

    def exited(self, status: ExitStatus) -> None:
        self._stop_timer()
        self._lines.close()
        unexpected = (self._said is None or status.signal is not None) and not self._revoked
        if unexpected and self.child is not None and not self.child.tree_gone.done():
            # What it had started was not left running on purpose, and must not run beside the next attempt.
            how = "without a result" if self._said is None else f"with {status.describe()}"
            self._climb(f"the operation's process ended {how}")
        if self._calls or self._killing is not None:
            self._finishing = self._loop.create_task(self._finish(status))
        else:
            self._report_end(self._end(status))

    # What becomes of it.

    async def _ladder(self, reason: str) -> bool:
        child = await asyncio.shield(self._forked)
        if child is None or await child.is_gone():
            return True
        for signum, patience in ((signal.SIGTERM, self._kill_grace), (signal.SIGKILL, DEATH_SECONDS)):
            self._signal(signum, reason)
            await asyncio.wait([child.tree_gone], timeout=patience)
            if child.tree_gone.done():
                return True
        message = (
            f"What process {child.pid} started lives {DEATH_SECONDS:g} s after SIGKILL. It has another "
            "user's rights, or waits for a device, and has to be ended by hand."
        )
        if self.over.done():
            log.error("operation %s: %s", self.operation_id, message)
        else:
            event = {"type": "event", "event_type": "operation_kill_failed", "message": message}
            self._sink.message(self.operation_id, event)
        return False

    async def _finish(self, status: ExitStatus) -> None:
        """Report the end once everything that is still under way is over."""
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        if self._killing is not None:
            await asyncio.wait([self._killing])
        self._report_end(self._end(status))

    def _report_end(self, end: OperationEnd) -> None:
        self._leave()
        self._sink.ended(self.operation_id, end)

    def _leave(self) -> None:
        self.over.set_result(None)
        self._forget(self)

    def _end(self, status: ExitStatus) -> OperationEnd:
        child = self.child
        assert child is not None
        if self._revoked:
            return OperationEnd("cancelled", exit_status=status, tree_gone=child.tree_gone.done())
        state: Literal["succeeded", "failed"] = "failed"
        result: Any = None
        updates: Sequence[Mapping[str, Any]] = ()
        if self._timed_out:
            message = f"The operation did not end within {self._limit:g} s, and its processes were ended."
            failure = Failure(message, recoverable=self._limit_recoverable, kind="OperationTimeout")
        elif self._said is not None:
            said = self._said
            updates = said["updates"]
            if said["outcome"] == "succeeded":
                state, result, failure = "succeeded", said["result"], None
            elif said["failure"] is not None:
                failure = _failure(said["failure"])
            else:
                failure = Failure("The operation failed and did not say why.")
        else:
            failure = Failure(self._death(child, status), kind="ProcessDied")
        return OperationEnd(state, result, failure, updates, status, child.tree_gone.done())

    def _death(self, child: Child, status: ExitStatus) -> str:
        message = f"The operation's process ended with {status.describe()} and no result"
        if self._fault or child.fault:
            message += f": {self._fault or child.fault}."
        elif self._kill_reason:
            message += f". It was asked to end: {self._kill_reason}."
        else:
            message += "."
        tail = self._lines.tail()
        return f"{message} The last it printed:\n{tail}" if tail else message

    def _time_out(self) -> None:
        self._timed_out = True
        self._climb(f"it did not end within {self._limit:g} s")

    def _make_leave(self) -> None:
        self._signal(signal.SIGKILL, f"it did not leave within {LEAVE_SECONDS:g} s after its end")

    def _climb(self, reason: str) -> None:
        if self._killing is None:
            self._killing = self._loop.create_task(self._ladder(reason))

    def _signal(self, signum: int, reason: str) -> None:
        child = self.child
        if child is not None:
            child.signal(signum)
            if self.over.done():
                # What could not be ended gets a signal once more. The sink has
                # got the end, and gets nothing after it.
                log.warning("signal %d was sent to what operation %s left", signum, self.operation_id)
            else:
                self._sink.signalled(self.operation_id, signum, reason)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _line(self, line: str, level: str) -> None:
        message = {"type": "log", "level": level, "message": line, "logger": "stdout"}
        self._sink.message(self.operation_id, message)

    def _call(self, call: Call) -> None:
        child = self.child
        assert child is not None
        handler = partial(self._sink.call, self.operation_id)
        task = self._loop.create_task(serve(child, call, handler, f"operation {self.operation_id}"))
        self._calls.add(task)
        task.add_done_callback(self._answered)
        self._balance()

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._balance()

    def _balance(self) -> None:
        """Read from the process, or not while too much of what it said waits."""
        if self.child is None or self.over.done():
            return
        if len(self._calls) >= MAX_CALLS or self._backlog.full:
            self.child.pause()
        else:
            self.child.resume()


def _failure(said: frames.Failure) -> Failure:
    return Failure(
        message=said["message"],
        recoverable=said["recoverable"],
        retry_after=said["retry_after"],
        kind=said["kind"],
        traceback=said["traceback"],
        place=said.get("place") or "",
        causes=said.get("causes") or (),
    )
