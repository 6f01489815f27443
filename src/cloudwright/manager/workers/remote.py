"""A worker on another machine: what was granted to it, whether or not it can be reached."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast

from cloudwright.background import TaskSet
from cloudwright.errors import CloudwrightError, InvalidInput
from cloudwright.manager.begin_gate import BeginGate
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.manager.operation_run import OperationRun
from cloudwright.manager.workers.local import start_failure
from cloudwright.manager.workers.protocol import Subjects
from cloudwright.manager.workers.remote_begin import RemoteBegin
from cloudwright.manager.workers.reported_end import reported_end
from cloudwright.manager.workers.session import WorkerSession
from cloudwright.model.execution import CancelMode
from cloudwright.model.frames.common import Call
from cloudwright.model.frames.operation import check_from_operation
from cloudwright.model.operation import LOST
from cloudwright.process.limits import DEATH_SECONDS
from cloudwright.process.rpc import serve
from cloudwright.process.runner import OperationEnd, OperationSink
from cloudwright.storage import workers
from cloudwright.storage.store import Store
from cloudwright.worker.begin_clock import BEGIN_SECONDS

#: Seconds that an end waits for `begun` after the manager said `go`: the worker's own, and the way.
SETTLE_SECONDS = BEGIN_SECONDS + 1.0
#: Seconds within which a connected worker has to say that it received a kill.
RECEIVE_SECONDS = 10.0
#: Of how many reports and calls a worker's manager remembers that it has had them.
_REMEMBERED = 5000
#: ``told`` of an operation that another life of the manager may have told to begin.
_UNKNOWN = -1

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Granted:
    """An operation that was granted to the worker. ``told`` is the number of the asking that got its `go`."""

    run: OperationRun
    subjects: Subjects | None
    told: int = 0
    told_at: float = 0.0
    begun: bool = False
    killing: str | None = None
    received: bool = False
    #: Its plugin is being installed.
    installing: bool = False
    #: Its end was reported.
    over: bool = False
    frame: dict[str, Any] | None = None


class RemoteWorker:
    """A ``Worker``. ``unreachable_since`` is when it was heard last, if that is too long ago."""

    def __init__(
        self,
        name: str,
        sink: OperationSink,
        rpc: ChildRpc,
        gate: BeginGate,
        store: Store,
        begin: RemoteBegin,
        recorder: EventRecorder,
        *,
        kill_grace: float,
    ) -> None:
        self.name = name
        self.session: WorkerSession | None = None
        self.unreachable_since: datetime | None = None
        self._sink = sink
        self._rpc = rpc
        self._gate = gate
        self._store = store
        self._begin = begin
        self._recorder = recorder
        self._kill_grace = kill_grace
        self._held: dict[str, Granted] = {}
        self._pulse = asyncio.Event()
        self._tasks = TaskSet()
        self._life = ""
        self._reports: OrderedDict[int, asyncio.Future[None] | None] = OrderedDict()
        self._replies: OrderedDict[int, dict[str, Any] | None] = OrderedDict()
        self._stored: list[int] = []

    # Worker.

    def run(self, run: OperationRun, subjects: Subjects) -> None:
        self._hold(Granted(run, subjects))

    def adopt(self, run: OperationRun) -> None:
        """Hold an operation that an earlier run of this manager granted; it may have begun."""
        self._hold(Granted(run, None, told=_UNKNOWN))

    def revoke(self, run: OperationRun) -> bool:
        granted = self._held.get(run.id)
        if granted is None or run.revoked:
            return True
        if granted.told:
            return False
        run.revoked = True
        if run.preparing is not None:
            run.preparing.cancel()
        self._send(_about("revoke", granted))
        if granted.installing:
            self._say(granted, "plugin_installation_stopped", "The installation of {} is ended.")
        self._end(granted, OperationEnd("cancelled"))
        return True

    async def settle(self, run: OperationRun) -> bool:
        granted = self._held.get(run.id)
        if granted is None:
            return True
        while not (granted.begun or run.ended.done()):
            if self.revoke(run):
                await run.ended
                return True
            if granted.told == _UNKNOWN:
                # Another life of the manager may have said `go`: the worker knows.
                if self.unreachable_since is not None:
                    return self._unended(run, "may begin")
                await self._change(None)
                continue
            left = granted.told_at + SETTLE_SECONDS - asyncio.get_running_loop().time()
            if left <= 0:
                return self._unended(run, "may begin")
            await self._change(left)
        return True

    def cancel(self, operation_id: str, mode: CancelMode) -> None:
        if operation_id in self._held:
            self._send({"type": "cancel", "operation": operation_id, "mode": str(mode)})

    async def kill(self, run: OperationRun, reason: str) -> bool:
        granted = self._held.get(run.id)
        if granted is None:
            return True
        if self.revoke(run):
            await run.ended
            return True
        loop = asyncio.get_running_loop()
        granted.killing, granted.received = reason, False
        session: WorkerSession | None = None
        deadline = 0.0
        while not run.ended.done():
            if self.unreachable_since is not None:
                return self._unended(run, "lives, or may begin")
            if self.session is None:
                await self._change(None)
                continue
            if session is not self.session:
                # The bounds count from the moment at which there is somebody to hear of the kill.
                session, deadline = self.session, loop.time() + RECEIVE_SECONDS
                self._send(_about("kill", granted) | {"reason": reason})
            bound = self._kill_grace + DEATH_SECONDS + RECEIVE_SECONDS if granted.received else 0.0
            left = deadline + bound - loop.time()
            if left <= 0:
                return self._unended(
                    run, "could not be ended" if granted.received else "did not hear the kill"
                )
            await self._change(left)
        await run.ended
        return True

    def inventory(self) -> Collection[str]:
        return self._held.keys()

    async def close(self) -> None:
        """Let go of the worker: what runs there runs on, and the next start of the manager adopts it."""
        session, self.session = self.session, None
        if session is not None:
            session.close()
        await self._tasks.close()

    @property
    def operations(self) -> list[OperationRun]:
        return [granted.run for granted in self._held.values()]

    # The connection.

    def connect(self, session: WorkerSession) -> None:
        """Its worker is here. Nothing is sent before its inventory is known."""
        if self.session is not None:
            self.session.close()
        if session.life != self._life:
            self._life = session.life
            self._reports.clear()
            self._replies.clear()
        self.session = session
        self.unreachable_since = None

    def disconnect(self, session: WorkerSession) -> bool:
        """A connection has ended; False if the worker has another one by now."""
        if self.session is not session:
            return False
        self.session = None
        self._changed()
        return True

    def give_up(self, since: datetime | None) -> None:
        """The worker is unreachable."""
        self.unreachable_since = since
        self._changed()

    def lose(self) -> None:
        """Someone vouches that nothing of the worker's operations runs any more."""
        for granted in list(self._held.values()):
            self._end(granted, OperationEnd("failed", None, LOST))

    def take_inventory(self, frame: Mapping[str, Any]) -> None:
        """Compare what the worker runs with what was granted to it. Kills leave first."""
        found = {(item["operation"], item["attempt"]): item["state"] for item in frame["operations"]}
        mine = {(granted.run.id, granted.run.attempt): granted for granted in self._held.values()}
        for key, state in found.items():
            granted = mine.get(key)
            if state in ("accepted", "told", "begun", "left") and (granted is None or granted.run.revoked):
                log.warning("agent %s runs operation %s, which is not granted: killed", self.name, key[0])
                reason = "its manager does not know that it runs"
                self._send({"type": "kill", "operation": key[0], "attempt": key[1], "reason": reason})
            elif granted is not None and granted.killing is not None:
                granted.received = False
                self._send(_about("kill", granted) | {"reason": granted.killing})
        for key, granted in mine.items():
            self._compare(granted, found.get(key), bool(frame["journal_broken"]))
        self._changed()

    def _compare(self, granted: Granted, state: str | None, journal_broken: bool) -> None:
        run = granted.run
        if run.revoked or run.ended.done():
            return
        if state == "accepted":
            granted.told = 0
            if granted.killing is not None:
                self.revoke(run)
        elif state == "told":
            granted.told = granted.told or _UNKNOWN
        elif state in ("begun", "left"):
            granted.begun, granted.told = True, granted.told or _UNKNOWN
        elif state == "died" or (state is None and journal_broken):
            self._end(granted, OperationEnd("failed", None, LOST))
        elif state is None:
            # It was never accepted: the journal would have it.
            granted.told = 0
            if granted.killing is not None:
                self.revoke(run)
            elif granted.frame is not None:
                self._send(granted.frame)
            elif run.preparing is None:
                self._prepare_soon(granted)

    # Frames of the worker.

    def take(self, frame: dict[str, Any]) -> None:
        """Carry out a frame that came by the current session."""
        kind = frame["type"]
        if kind == "report":
            self._take_report(frame)
        elif kind == "asks":
            self._take_asking(frame)
        elif kind == "call":
            self._take_call(frame)
        elif kind == "received":
            granted = self._granted(frame)
            if granted is not None:
                granted.received = True
                self._changed()

    def _granted(self, frame: Mapping[str, Any]) -> Granted | None:
        granted = self._held.get(frame["operation"])
        return granted if granted is not None and granted.run.attempt == frame["attempt"] else None

    def _take_asking(self, frame: Mapping[str, Any]) -> None:
        granted = self._granted(frame)
        if granted is None or granted.run.revoked:
            self._send({"type": "revoke", "operation": frame["operation"], "attempt": frame["attempt"]})
            return
        # Asking says that no `go` before it will be used.
        granted.told = 0
        if granted.killing is not None:
            self.revoke(granted.run)
            return
        self._changed()
        self._tasks.spawn(
            self._answer(granted, int(frame["asking"])), f"the go of operation {granted.run.id}"
        )

    async def _answer(self, granted: Granted, asking: int) -> None:
        run, session = granted.run, self.session
        gate = self._gate.bind(run.execution_id)
        while (opened := gate()) is not None:
            await opened
        if session is None or run.revoked or self.session is not session:
            return
        may = await self._store.write_about(
            (run.execution_id,), workers.may_begin, run.key, self.name, session.number, aware=run.aware
        )
        if run.revoked or run.ended.done() or self.session is not session:
            return
        if not may or granted.killing is not None:
            self.revoke(run)
            return
        granted.told, granted.told_at = asking, asyncio.get_running_loop().time()
        self._send(_about("go", granted) | {"asking": asking})

    def _take_report(self, frame: Mapping[str, Any]) -> None:
        number = int(frame["number"])
        if number in self._reports:
            before = self._reports[number]
            if before is None or before.done():
                self._acknowledge(number)
            return
        granted = self._granted(frame)
        stored = None
        if granted is not None and not (granted.over and frame["kind"] != "ended"):
            try:
                stored = self._record(granted, frame["kind"], frame["content"])
            except (CloudwrightError, KeyError, TypeError, ValueError) as error:
                log.warning("agent %s: a report of operation %s: %s", self.name, frame["operation"], error)
        self._reports[number] = stored
        if len(self._reports) > _REMEMBERED:
            self._reports.popitem(last=False)
        if stored is None:
            self._acknowledge(number)
        else:
            stored.add_done_callback(lambda _: self._acknowledge(number))

    def _record(self, granted: Granted, kind: str, content: dict[str, Any]) -> asyncio.Future[None] | None:
        run = granted.run
        if kind == "installing":
            granted.installing = True
            self._say(granted, "plugin_installing", "Installing {} ...")
        elif kind == "installed":
            granted.installing = False
            took = float(content["seconds"])
            self._say(granted, "plugin_installed", f"Installed {{}} in {took:.0f} s.", seconds=took)
        elif kind == "started":
            self._sink.started(run.id, int(content["pid"]))
        elif kind == "begun":
            granted.begun = True
            self._changed()
        elif kind == "signalled":
            self._sink.signalled(run.id, int(content["signal"]), str(content["reason"]))
        elif kind == "message":
            problem = check_from_operation(content)
            if problem is not None or content["type"] not in ("log", "event"):
                raise InvalidInput(problem or "a message that is neither a log nor an event")
            return self._sink.message(run.id, content)
        else:
            self._end(granted, reported_end(run, content))
            return run.ended
        return None

    def _say(self, granted: Granted, event_type: str, message: str, **details: Any) -> None:
        """Record an event about the installation of an operation's plugin."""
        run, plugin = granted.run, str(granted.run.operation["plugin"])
        said = message.format(f"plugin `{plugin}` on agent `{self.name}`")
        details |= {"plugin": plugin, "agent": self.name}
        self._recorder.event(run.execution_id, event_type, said, details=details, **run.subject)

    def _end(self, granted: Granted, end: OperationEnd) -> None:
        if not granted.over:
            granted.over = True
            self._sink.ended(granted.run.id, end)

    def _acknowledge(self, number: int) -> None:
        # What is stored in one turn of the loop is acknowledged by one frame.
        if not self._stored:
            asyncio.get_running_loop().call_soon(self._send_acknowledgements)
        self._stored.append(number)

    def _send_acknowledgements(self) -> None:
        numbers, self._stored = self._stored, []
        self._send({"type": "stored", "numbers": numbers})

    def _take_call(self, frame: dict[str, Any]) -> None:
        number = int(frame["id"])
        if number in self._replies:
            # It is being answered, or was and the answer was lost.
            reply = self._replies[number]
            if reply is not None:
                self._send(reply)
            return
        granted = self._granted(frame)
        if granted is None:
            return
        self._replies[number] = None
        if len(self._replies) > _REMEMBERED:
            self._replies.popitem(last=False)
        handler = partial(self._sink.call, granted.run.id)
        call = cast(Call, {key: frame[key] for key in ("type", "id", "method", "args")})
        answering = serve(_ReplySender(self), call, handler, f"operation {granted.run.id}")
        self._tasks.spawn(answering, f"a call of operation {granted.run.id}")

    def reply(self, frame: dict[str, Any]) -> None:
        """Send the reply to a call, and keep it for when it is asked for again."""
        if frame["id"] in self._replies:
            self._replies[frame["id"]] = frame
        self._send(frame)

    # What is sent.

    def _hold(self, granted: Granted) -> None:
        run = granted.run
        self._held[run.id] = granted
        run.ended.add_done_callback(lambda _: self._forget(granted))
        if granted.told != _UNKNOWN:
            self._prepare_soon(granted)

    def _forget(self, granted: Granted) -> None:
        if self._held.get(granted.run.id) is granted:
            del self._held[granted.run.id]
        self._changed()

    def _prepare_soon(self, granted: Granted) -> None:
        run = granted.run
        run.preparing = self._tasks.spawn(self._prepare(granted), f"the start of operation {run.id}")

    async def _prepare(self, granted: Granted) -> None:
        run = granted.run

        def making() -> None:
            said = f"Making wheels of plugin `{run.operation['plugin']}` ..."
            self._recorder.event(run.execution_id, "plugin_wheels_making", said, **run.subject)

        try:
            frame = await self._begin.frame(run, granted.subjects, self.name, making)
        except asyncio.CancelledError:
            if not run.revoked:
                raise
            return
        except Exception as error:
            # Catch everything: a granted operation without an end would block its workflow forever.
            if not isinstance(error, CloudwrightError):
                log.exception("operation %s could not be started", run.id)
            run.revoked = True
            self._end(granted, OperationEnd("failed", None, start_failure(error), []))
            return
        finally:
            run.preparing = None
        if not run.revoked:
            granted.frame = frame
            self._send(frame)

    def _send(self, frame: Mapping[str, Any]) -> None:
        if self.session is not None:
            self.session.send(frame)

    def _changed(self) -> None:
        pulse, self._pulse = self._pulse, asyncio.Event()
        pulse.set()

    async def _change(self, timeout: float | None) -> None:  # noqa: ASYNC109 - what it waits for need not come
        try:
            async with asyncio.timeout(timeout):
                await self._pulse.wait()
        except TimeoutError:
            return

    def _unended(self, run: OperationRun, what: str) -> bool:
        since = self.unreachable_since
        silent = "" if since is None else f", which is unreachable since {since:%Y-%m-%d %H:%M:%S} UTC"
        run.unended = f"{run.id} ({what} on agent `{self.name}`{silent})"
        return False


class _ReplySender:
    def __init__(self, worker: RemoteWorker) -> None:
        self._worker = worker

    def send(self, message: Mapping[str, Any]) -> None:
        self._worker.reply(dict(message))


def _about(kind: str, granted: Granted) -> dict[str, Any]:
    return {"type": kind, "operation": granted.run.id, "attempt": granted.run.attempt}
