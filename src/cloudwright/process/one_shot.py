"""One task for one short-lived process: fork it, send the task, answer its calls, return its result."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Mapping
from typing import Any, Literal, cast

from cloudwright.errors import CloudwrightError, Unavailable
from cloudwright.model.frames.checking import FrameCheck
from cloudwright.model.frames.common import Call
from cloudwright.process.child import Child, ChildSpec, ExitStatus
from cloudwright.process.frames import VERSION
from cloudwright.process.limits import DEATH_SECONDS
from cloudwright.process.output import OutputLines
from cloudwright.process.rpc import Handler, serve
from cloudwright.process.supervisor import Zygote

KILLED = ExitStatus(signal=signal.SIGKILL)


class CallFailed(CloudwrightError):
    """The process did not answer; ``kind`` says how."""

    def __init__(self, message: str, kind: Literal["timeout", "memory", "died"]) -> None:
        super().__init__(message)
        self.kind = kind


class _Asker:
    """Observes the child: its ``end`` frame (None when it died without), its calls, what it printed."""

    def __init__(self, handler: Handler | None) -> None:
        self.end: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        self.printed = OutputLines(lambda line, level: None)
        self.child: Child | None = None
        self.answering: set[asyncio.Task[None]] = set()
        self._handler = handler

    def frame(self, message: dict[str, Any]) -> None:
        if message["type"] == "end" and not self.end.done():
            self.end.set_result(message)
        elif message["type"] == "call":
            task = asyncio.create_task(self._reply(cast(Call, message)))
            self.answering.add(task)
            task.add_done_callback(self.answering.discard)

    def _reply(self, call: Call) -> Coroutine[Any, Any, None]:
        assert self.child is not None
        return serve(self.child, call, self._handle, f"process {self.child.name}")

    async def _handle(self, method: str, args: dict[str, Any]) -> Any:
        if self._handler is None:
            raise Unavailable("This process may not make calls.")
        try:
            return await self._handler(method, args)
        except CloudwrightError:
            raise
        except Exception as error:
            if not self.end.done():
                # A fault of the handler: the child cannot know what to make of it.
                self.end.set_exception(error)
            raise

    def output(self, data: bytes) -> None:
        self.printed.feed(data)

    def exited(self, status: ExitStatus) -> None:
        if not self.end.done():
            self.end.set_result(None)


async def run_once(
    zygote: Zygote,
    entry: str,
    begin: Mapping[str, Any],
    *,
    check: FrameCheck,
    timeout: float,  # noqa: ASYNC109 - distinguishes a late process from a cancelled caller
    memory_limit: int | None,
    name: str,
    handler: Handler | None = None,
) -> dict[str, Any]:
    """Fork a child, send it ``begin`` (a frame without its type and version) and return its ``end`` frame.

    ``check`` is the check of the child's frames, ``timeout`` is in seconds, ``memory_limit`` in bytes of
    writable memory. Raises CallFailed, and errors.Unavailable if the child cannot be forked or is killed by
    somebody else. Its process tree is killed in any case.

    ``handler`` answers the child's calls: a CloudwrightError of it refuses the call, any other exception ends
    the child and is raised here.
    """
    asker = _Asker(handler)
    child = await zygote.fork(ChildSpec(name, entry, memory_limit=memory_limit, check=check), asker)
    asker.child = child
    try:
        child.send({"type": "begin", "version": VERSION, **begin})
        await asyncio.wait([asker.end], timeout=timeout)
        if not asker.end.done():
            raise CallFailed(f"{name} did not finish within {timeout:g} s and was ended.", "timeout")
        end = asker.end.result()
        if end is None:
            if child.exit.result() == KILLED and not child.fault:
                raise Unavailable(
                    f"{name} was killed from outside: with its zygote, or because the machine has no memory "
                    "left. Try again."
                )
            raise _death(name, child, asker.printed.tail(), memory_limit)
        return end
    finally:
        for task in asker.answering:
            task.cancel()
        child.signal(signal.SIGKILL)
        await asyncio.wait([child.tree_gone], timeout=DEATH_SECONDS)


def _death(name: str, child: Child, printed: str, memory_limit: int | None) -> CallFailed:
    if memory_limit is not None and printed.rpartition("\n")[2].startswith("MemoryError"):
        return CallFailed(
            f"{name} needs more than the {memory_limit // 2**20} MiB of memory that it may use.", "memory"
        )
    message = f"{name} ended with {child.exit.result().describe()} and no answer"
    message += f": {child.fault}." if child.fault else "."
    return CallFailed(f"{message} The last it printed:\n{printed}" if printed else message, "died")
