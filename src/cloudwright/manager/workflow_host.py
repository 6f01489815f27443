"""The host: the part of a manager that supervises one workflow process.

It is the process's only writer: what the process says reaches the database through the host's ``Journal``, in
the order in which it was said, and what became of its operations reaches it through the host. When the
process is dead, and all that it said is stored, ``run`` returns how it ended; no end status may be stored
before that.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, cast

from cloudwright.background import TaskSet
from cloudwright.errors import CloudwrightError, StaleTerm
from cloudwright.model.execution import CancelMode, Outcome
from cloudwright.model.frames.common import Call
from cloudwright.model.frames.workflow import End, WorkflowError, check_from_workflow
from cloudwright.process.frames import VERSION, FrameError
from cloudwright.process.limits import DEATH_SECONDS, LEAVE_SECONDS
from cloudwright.process.output import OutputLines
from cloudwright.process.rpc import serve
from cloudwright.process.supervisor import Child, ChildSpec, ExitStatus, Zygote

ENTRY = "cloudwright.workflow.child:main"

#: How much of what a process said may wait to be stored or answered; until some of it is, nothing more is
#: read from it.
MAX_WAITING = 256
MAX_WAITING_BYTES = 16 * 1024 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkflowEnd:
    """How a workflow's process ended: what it said last, or that it said nothing; ``pid`` is the one that
    was seen dead.
    """

    outcome: Outcome
    error: str | None
    result: Any
    pid: int
    exit: ExitStatus


class Journal(Protocol):
    """The writer of one execution's records, with the term of its owner.

    Frames reach ``apply`` in the order in which the workflow's process sent them, and are stored in that
    order.
    """

    def apply(self, entries: list[list[Any]], aware: bool) -> Awaitable[None]:
        """Store one journal frame's entries in one transaction, and dispatch the operations that it asks for.

        ``aware`` is whether the workflow's process knew of a request to cancel when it sent the frame.

        The entries are handed to the store before this returns, so that calls are stored in the order in
        which they are made. Awaiting raises errors.StaleTerm if the execution has another owner by now.
        """

    async def answer(self, method: str, args: dict[str, Any]) -> Any:
        """Return the value of a call's reply. Raises errors.CloudwrightError to refuse it."""

    def output(self, line: str, level: str) -> None:
        """Record a line that the workflow's process wrote to its standard output or error."""


class WorkflowHost:
    """Supervises the process of one execution, from its fork until it was seen dead."""

    def __init__(self, execution_id: str, journal: Journal) -> None:
        self.execution_id = execution_id
        self._journal = journal
        self._child: Child | None = None
        self._lines = OutputLines(journal.output)
        self._said: End | None = None
        self._exited: asyncio.Future[ExitStatus] = asyncio.get_running_loop().create_future()
        self._waiting: list[tuple[dict[str, Any], str]] = []
        self._writes = TaskSet()
        # Bytes of the frames that wait to be stored or answered.
        self._unstored = 0
        self._trouble: str | None = None
        self._killed = False
        self._leaving: asyncio.TimerHandle | None = None

    async def run(self, zygote: Zygote, begin: dict[str, Any], *, memory_limit: int | None) -> WorkflowEnd:
        """Fork the process, and wait until it is dead and everything that it said is stored.

        Raises errors.Unavailable when it cannot be forked.
        """
        spec = ChildSpec(
            name=self.execution_id,
            entry=ENTRY,
            cwd=begin["blueprint"]["path"],
            memory_limit=memory_limit,
            check=check_from_workflow,
        )
        child = await zygote.fork(spec, self)
        self._child = child
        if self._killed:
            child.signal(signal.SIGKILL)
        waiting, self._waiting = self._waiting, []
        self._send({"type": "begin", "version": VERSION, **begin}, "what it is to do")
        for message, what in waiting:
            self._send(message, what)
        status = await self._exited
        self._lines.close()
        await self._writes.join()
        end = self._end(status, child)
        if end.outcome is not Outcome.TERMINATED and not child.tree_gone.done():
            # Whatever the workflow started beside itself goes with it: it was stopped, or it fell.
            child.signal(signal.SIGKILL)
            # Bounded: what cannot be killed must not keep the execution from its end.
            await asyncio.wait([child.tree_gone], timeout=DEATH_SECONDS)
        return end

    @property
    def pid(self) -> int | None:
        """The process, or None before it was forked."""
        return self._child.pid if self._child else None

    def cancel(self, mode: CancelMode) -> None:
        """Notify the workflow that a standard cancellation was requested."""
        self._send({"type": "cancel", "mode": str(mode)}, "that it is cancelled")

    def retry(self, by: str) -> None:
        """Let the workflow try again at once what waits for that, as a user asks."""
        self._send({"type": "retry", "by": by}, "that it is to retry")

    def kill(self) -> None:
        """End the process at once, with everything that it started."""
        self._killed = True
        if self._child is not None:
            self._child.signal(signal.SIGKILL)

    def operation(self, update: dict[str, Any]) -> None:
        """Notify the workflow of the end of one of its operations (an ``operation`` frame without its
        type).
        """
        self._send({"type": "operation", **update}, f"what became of operation {update['id']}")

    def _send(self, message: dict[str, Any], what: str) -> None:
        """Send a frame. The process is ended if that is impossible: it would wait for it for ever."""
        if self._child is None:
            self._waiting.append((message, what))
            return
        try:
            self._child.send(message)
        except (TypeError, ValueError, FrameError) as error:
            if self._said is None:
                self._trouble = f"it could not be sent {what} ({error})"
                self.kill()

    # What the supervisor of processes calls (ChildObserver).

    def frame(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "journal":
            self._spawn(self._stored(self._journal.apply(message["entries"], message["aware"])))
        elif kind == "call":
            assert self._child is not None
            self._spawn(self._answer(self._child, cast(Call, message), list(self._writes)))
        elif kind == "end":
            self._said = cast(End, message)
            self._leaving = asyncio.get_running_loop().call_later(LEAVE_SECONDS, self._make_leave)

    def output(self, data: bytes) -> None:
        self._lines.feed(data)

    def exited(self, status: ExitStatus) -> None:
        if self._leaving is not None:
            # Else it would hold all that is known of the execution for as long as it has to run.
            self._leaving.cancel()
        if not self._exited.done():
            self._exited.set_result(status)

    def _make_leave(self) -> None:
        # Its workflow has ended, but a thread or an exit handler of the user's keeps the process: nothing
        # waits for those.
        if not self._exited.done():
            self.kill()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        size = self._child.frame_size if self._child is not None else 0
        self._unstored += size
        task = self._writes.spawn(work, f"a frame of execution {self.execution_id}")
        task.add_done_callback(partial(self._done, size))
        self._balance()

    def _done(self, size: int, _: asyncio.Task[None]) -> None:
        self._unstored -= size
        self._balance()

    def _balance(self) -> None:
        """Read from the process, or not while too much of what it said waits."""
        if self._child is None or self._exited.done():
            return
        if len(self._writes) >= MAX_WAITING or self._unstored >= MAX_WAITING_BYTES:
            self._child.pause()
        else:
            self._child.resume()

    async def _stored(self, write: Awaitable[None]) -> None:
        try:
            await write
        except StaleTerm:
            self._trouble = "another manager has taken this execution over"
            self.kill()
        except CloudwrightError as error:
            self._trouble = f"what the workflow did could not be stored: {error}"
            self.kill()
        except Exception as error:
            # A frame that makes no sense: the process is not to be trusted any further, and the user must
            # learn of it.
            self._trouble = f"it sent something that cannot be stored ({type(error).__name__}: {error})"
            self.kill()
            raise

    async def _answer(self, child: Child, call: Call, before: list[asyncio.Task[None]]) -> None:
        # What the workflow did before it asked is stored by then, and seen by the handler.
        await asyncio.gather(*before, return_exceptions=True)
        await serve(child, call, self._journal.answer, f"execution {self.execution_id}")

    def _end(self, status: ExitStatus, child: Child) -> WorkflowEnd:
        said, trouble = self._said, self._trouble
        if said is not None and trouble is None:
            error = None if said["error"] is None else _describe(said["error"])
            return WorkflowEnd(Outcome(said["outcome"]), error, said["result"], child.pid, status)
        trouble = trouble or child.fault
        if trouble is not None:
            message = f"The workflow's process was ended: {trouble}."
        else:
            message = f"The workflow's process ended with {status.describe()}, and did not say how it fared."
        tail = self._lines.tail()
        if tail:
            message += f" The last it printed:\n{tail}"
        return WorkflowEnd(Outcome.DIED, message, None, child.pid, status)


def _describe(error: WorkflowError) -> str:
    text = error["message"] or error["kind"]
    return f"{text}\n{error['traceback']}" if error["traceback"] else text
