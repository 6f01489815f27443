"""What a worker runs: operations that it accepted, each until its end is stored by the manager."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from cloudwright.background import TaskSet
from cloudwright.errors import CloudwrightError
from cloudwright.model.frames.operation import check_to_operation
from cloudwright.model.operation import NOT_STARTED, Failure
from cloudwright.process.runner import OperationEnd, OperationSink, Runner
from cloudwright.process.supervisor import Zygote
from cloudwright.worker.begin_clock import BEGIN_SECONDS, Clocks, is_fresh, now
from cloudwright.worker.end_frames import end_frame
from cloudwright.worker.environments import Environments, installation_key
from cloudwright.worker.journal import Journal, Key

#: What an operation's process runs.
ENTRY = "cloudwright.operation.child:main"

State = Literal["accepted", "told", "begun", "ended", "died", "left"]


class Link(Protocol):
    """The way to the manager, whether or not there is a connection."""

    def send(self, frame: Mapping[str, Any]) -> None:
        """Send a frame if there is a connection."""

    def report(self, key: Key, kind: str, content: Mapping[str, Any]) -> None:
        """Send a report until it is stored."""

    async def connected(self) -> None:
        """Wait until there is a connection."""


@dataclass(slots=True, eq=False)
class Held:
    """An operation that was accepted. ``asked`` is when it asked last, by every clock."""

    key: Key
    state: State = "accepted"
    asking: int = 0
    asked: Clocks | None = None
    answer: asyncio.Future[int] | None = None
    revoked: bool = False
    #: What has to be here before its process is forked is being fetched and made.
    preparing: asyncio.Task[Any] | None = None
    #: What it uses of this machine's caches.
    uses: frozenset[str] = frozenset()


class Operations:
    """Runs what the manager sends. ``resources`` returns the folder of a blueprint's or a plugin's files."""

    def __init__(
        self,
        link: Link,
        journal: Journal,
        environments: Environments,
        resources: Callable[[str], Any],
        sink: OperationSink,
        *,
        workdirs: Path,
        kill_grace: float,
        clocks: Callable[[], Clocks] = now,
    ) -> None:
        self._link = link
        self._journal = journal
        self._environments = environments
        self._resources = resources
        self._sink = sink
        self._workdirs = workdirs
        self._clocks = clocks
        self._runner = Runner(sink, kill_grace=kill_grace)
        self._tasks = TaskSet()
        #: By id: there is one attempt of an operation at a time.
        self.held: dict[str, Held] = {}
        self._emptied: asyncio.Future[None] | None = None
        # Attempts that this life has accepted: none is run twice.
        self._known: set[Key] = set()

    def inventory(self) -> list[dict[str, Any]]:
        return [
            {"operation": held.key[0], "attempt": held.key[1], "state": held.state}
            for held in self.held.values()
        ]

    def take(self, frame: Mapping[str, Any]) -> None:
        """Carry out a frame about an operation."""
        kind, id = frame["type"], frame["operation"]
        if kind == "run":
            self._accept(frame)
            return
        held = self.held.get(id)
        if kind == "cancel":
            self._runner.cancel(id, frame["mode"])
            return
        if held is None or held.key[1] != frame["attempt"]:
            if kind == "kill":
                self._link.send({"type": "received", "operation": id, "attempt": frame["attempt"]})
            return
        if kind == "go":
            if held.answer is not None and not held.answer.done():
                held.answer.set_result(frame["asking"])
        elif kind == "revoke":
            self._revoke(held)
        elif kind == "kill":
            self._link.send({"type": "received", "operation": id, "attempt": frame["attempt"]})
            self._tasks.spawn(self._kill(held, frame["reason"]), f"the kill of operation {id}")

    def ask_again(self) -> None:
        """The connection is another one: what was asked in the last one is void."""
        for held in self.held.values():
            if held.answer is not None and not held.answer.done():
                held.answer.set_result(0)

    def forget(self, key: Key) -> None:
        """The manager has stored the operation's end."""
        held = self.held.get(key[0])
        if held is not None and held.key == key and held.state == "ended":
            del self.held[key[0]]
            if not self.held and self._emptied is not None and not self._emptied.done():
                self._emptied.set_result(None)

    def uses(self) -> set[str]:
        """Return what the operations that are held use of this machine's caches."""
        return {key for held in self.held.values() for key in held.uses}

    async def all_stored(self) -> None:
        """Wait until nothing is held any more: all ends are stored."""
        if self.held:
            self._emptied = asyncio.get_running_loop().create_future()
            await self._emptied

    def ended(self, key: Key, end: OperationEnd) -> None:
        """Write the end to the journal, then report it."""
        self._tasks.spawn(self._end(key, end), f"the end of operation {key[0]}")

    async def kill_all(self, reason: str) -> None:
        for held in list(self.held.values()):
            self._revoke(held)
        await asyncio.gather(*(self._kill(held, reason) for held in list(self.held.values())))

    async def close(self) -> None:
        await self._runner.close()
        await self._tasks.close()

    def _accept(self, frame: Mapping[str, Any]) -> None:
        key = str(frame["operation"]), int(frame["attempt"])
        if key in self._known:
            return
        self._known.add(key)
        held = self.held[key[0]] = Held(key)
        self._tasks.spawn(self._run(held, frame), f"operation {key[0]}")

    async def _run(self, held: Held, frame: Mapping[str, Any]) -> None:
        id, attempt = held.key
        since = datetime.now(UTC).isoformat()
        try:
            # In a thread: a slow disk must not stop the heartbeat.
            await asyncio.to_thread(self._journal.accept, held.key, since)
            prepared = await self._prepared(held, frame)
            if prepared is None:
                self._sink.ended(id, OperationEnd("cancelled"))
                return
            zygote, folder, code = prepared
            await self._runner.run(
                zygote,
                id,
                self._begin(frame, folder, code),
                attempt=attempt,
                entry=ENTRY,
                cwd=str(folder),
                memory_limit=frame["memory_limit"],
                timeout=frame["timeout"],
                timeout_recoverable=frame["timeout_recoverable"],
                gate=lambda: self._gate(held),
                check_sent=check_to_operation,
            )
            if await self._runner.begun(id, float("inf")) and held.state in ("accepted", "told"):
                held.state = "begun"
                self._link.report(held.key, "begun", {})
        except (CloudwrightError, OSError) as error:
            failure = Failure(f"{NOT_STARTED}: {error}", recoverable=False, kind=type(error).__name__)
            self._sink.ended(id, OperationEnd("failed", None, failure, []))

    async def _prepared(self, held: Held, frame: Mapping[str, Any]) -> tuple[Zygote, Path, list[str]] | None:
        """Return ``_prepare``'s result, or None if the operation was revoked meanwhile."""
        if held.revoked:
            return None
        held.preparing = asyncio.current_task()
        try:
            prepared = await self._prepare(held, frame)
        except asyncio.CancelledError:
            if not held.revoked:
                raise
            return None
        finally:
            held.preparing = None
        return None if held.revoked else prepared

    async def _prepare(self, held: Held, frame: Mapping[str, Any]) -> tuple[Zygote, Path, list[str]]:
        """Return where to fork an operation, its blueprint's files, and the folders of its plugin's code."""
        installation = frame["installation"]
        held.uses = frozenset(
            filter(None, (frame["resources"], frame["files"], installation_key(installation)))
        )
        folder: Path = await self._resources(frame["resources"])
        root: Path = folder if frame["files"] is None else await self._resources(frame["files"])
        if installation is not None and not self._environments.has(installation):
            since = time.monotonic()
            self._link.report(held.key, "installing", {})
            await self._environments.install(installation)
            self._link.report(held.key, "installed", {"seconds": round(time.monotonic() - since, 3)})
        zygote = await self._environments.zygote(installation)
        return zygote, folder, [str(root / path) for path in frame["code"]]

    def _begin(self, frame: Mapping[str, Any], folder: Path, code: list[str]) -> dict[str, Any]:
        begin: dict[str, Any] = dict(frame["begin"])
        begin["blueprint"] = begin["blueprint"] | {"path": str(folder)}
        begin["plugin"] = begin["plugin"] | {"path": code}
        tenant, deployment = begin["tenant"]["name"], begin["deployment"]["id"]
        begin["workdir"] = str(self._workdirs / tenant / deployment / begin["plugin"]["name"])
        return begin

    def _gate(self, held: Held) -> Any:
        """Return None if the operation may begin now, else what asks the manager."""
        answered = held.answer is not None and held.answer.done() and held.answer.result() == held.asking
        if answered and held.asked is not None and is_fresh(held.asked, self._clocks):
            held.state = "told"
            return None
        return self._ask(held)

    async def _ask(self, held: Held) -> None:
        await self._link.connected()
        held.asking += 1
        held.answer = asyncio.get_running_loop().create_future()
        held.asked = self._clocks()
        id, attempt = held.key
        self._link.send({"type": "asks", "operation": id, "attempt": attempt, "asking": held.asking})
        await asyncio.wait([held.answer], timeout=BEGIN_SECONDS)

    def _revoke(self, held: Held) -> None:
        held.revoked = True
        if held.preparing is not None:
            held.preparing.cancel()
        self._runner.revoke(held.key[0])
        if held.answer is not None and not held.answer.done():
            held.answer.set_result(0)

    async def _kill(self, held: Held, reason: str) -> None:
        if held.state in ("accepted", "told"):
            self._revoke(held)
        await self._runner.kill(held.key[0], reason)

    async def _end(self, key: Key, end: OperationEnd) -> None:
        frame = end_frame(end)
        await asyncio.to_thread(self._journal.end, key, frame)
        held = self.held.get(key[0])
        if held is not None and held.key == key:
            held.state = "ended"
        self._link.report(key, "ended", frame)
