"""The worker's process: its home, its connection to the manager, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import logging
import os
import platform
import random
import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

import cloudwright
from cloudwright.background import TaskSet
from cloudwright.errors import IllegalAction, NotFound
from cloudwright.model.frames.worker import PROTOCOL, check_to_worker
from cloudwright.process.cgroups import Cgroups, CgroupsUnavailable
from cloudwright.process.frames import FrameError
from cloudwright.process.runner import OperationEnd
from cloudwright.worker.downloads import Downloads
from cloudwright.worker.environments import Environments
from cloudwright.worker.frame_stream import MAX_MESSAGE, FrameReader, FrameSender
from cloudwright.worker.journal import Journal, Key
from cloudwright.worker.leftovers import end_leftovers
from cloudwright.worker.operations import Operations
from cloudwright.worker.reports import Reports
from cloudwright.worker.resources import Resources

#: The longest pause between two attempts to connect (seconds).
MOST_PAUSE = 30.0
#: The exit code of a worker that its manager does not want back.
DISMISSED = 76

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """``token`` is what `cfy agents enroll` printed. ``machine`` identifies the machine; tests set it."""

    url: str
    token: str
    home: Path
    capacity: int = 10
    kill_grace: float = 5.0
    #: How many bytes the files of blueprints, and the environments of plugins, may take each.
    cache: int = 4 << 30
    ca_file: str | None = None
    cgroups: bool = True
    machine: str = ""


class Dismissed(Exception):
    """The manager does not let this worker in, and will not later."""


def run(options: Options) -> int:
    """Run a worker until SIGTERM or SIGINT; returns the exit code.

    Raises IllegalAction if its home is in use.
    """
    options.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(options.home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise IllegalAction(f"Another agent uses the home {options.home}.") from error
    try:
        return asyncio.run(Agent(options).run())
    finally:
        os.close(lock)


class Agent:
    """A ``Link`` and an ``OperationSink``: between the operations of this machine and the manager."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._life = secrets.token_hex(8)
        self._headers = {"Authorization": f"Bearer {options.token}"}
        self._journal = Journal(options.home / "journal")
        self._sender: FrameSender | None = None
        self._connected = asyncio.Event()
        self._reports = Reports(self.send)
        self._leftovers: list[dict[str, Any]] = []
        self._tasks = TaskSet()
        self._cgroups = _open_cgroups(options)
        downloads = Downloads(options.url, self._headers, options.ca_file)
        limits = options.cache, lambda: self._operations.uses()
        self._resources = Resources(options.home / "resources", downloads, *limits)
        self._environments = Environments(options.home / "environments", downloads, *limits, self._cgroups)
        self._silence = 15.0
        # What the manager says when it does not want this agent any more.
        self._stop: asyncio.Future[str]
        self._operations: Operations = Operations(
            self,
            self._journal,
            self._environments,
            self._resources.folder,
            self,
            workdirs=options.home / "workdirs",
            kill_grace=options.kill_grace,
        )

    async def run(self) -> int:
        """Connect again and again; returns the exit code."""
        end = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, end.set)
        try:
            self._leftovers = await end_leftovers(self._journal.found, self._cgroups)
            for key, content in self._journal.found.ended.items():
                self.report(key, "ended", content)
                self._leftovers.append({"operation": key[0], "attempt": key[1], "state": "ended"})
            await self._environments.zygote(None)
            self._stop = loop.create_future()
            staying = asyncio.ensure_future(self._stay_connected())
            ending = asyncio.ensure_future(end.wait())
            waiting: list[asyncio.Future[Any]] = [staying, ending, self._stop]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if staying.done():
                try:
                    staying.result()
                except Dismissed as error:
                    log.critical("%s", error)
                    await self._operations.kill_all(str(error))
                    return DISMISSED
            await self._end_in_good_order()
            staying.cancel()
            await asyncio.wait([staying])
            if self._stop.done():
                log.critical("%s", self._stop.result())
                return DISMISSED
            return 0
        finally:
            await self._operations.close()
            await self._tasks.close()
            await self._resources.close()
            await self._environments.close()
            if self._cgroups is not None:
                self._cgroups.close()
            self._journal.close()

    # Link.

    def send(self, frame: Mapping[str, Any]) -> None:
        if self._sender is not None and self._connected.is_set():
            self._sender.put(frame)

    def report(self, key: Key, kind: str, content: Mapping[str, Any]) -> None:
        self._reports.add(key, kind, content)

    async def connected(self) -> None:
        await self._connected.wait()

    # OperationSink.

    def started(self, operation_id: str, pid: int) -> None:
        self._report(operation_id, "started", {"pid": pid})

    def message(self, operation_id: str, message: dict[str, Any]) -> asyncio.Future[None]:
        return self._reports.add(self._key(operation_id), "message", message)

    async def call(self, operation_id: str, method: str, args: dict[str, Any]) -> Any:
        if method == "read_resource":
            raise NotFound(
                "Files of imported blueprints cannot be read on an agent; the blueprint's own files can."
            )
        return await self._reports.call(self._key(operation_id), method, args)

    def signalled(self, operation_id: str, signum: int, reason: str) -> None:
        self._report(operation_id, "signalled", {"signal": signum, "reason": reason})

    def ended(self, operation_id: str, end: OperationEnd) -> None:
        self._operations.ended(self._key(operation_id), end)

    def _key(self, operation_id: str) -> Key:
        return self._operations.held[operation_id].key

    def _report(self, operation_id: str, kind: str, content: dict[str, Any]) -> None:
        self.report(self._key(operation_id), kind, content)

    # The connection.

    async def _stay_connected(self) -> None:
        pause = 0.5
        while True:
            since = asyncio.get_running_loop().time()
            try:
                await self._converse()
            except (OSError, TimeoutError, WebSocketException, FrameError) as error:
                reason = str(error) or type(error).__name__
                log.warning("no connection to %s: %s", self._options.url, reason)
            finally:
                self._connected.clear()
                self._sender = None
                self._operations.ask_again()
            if asyncio.get_running_loop().time() - since > 60:
                pause = 0.5
            await asyncio.sleep(random.uniform(0.1, pause))  # noqa: S311 - so that many do not come at once
            pause = min(2 * pause, MOST_PAUSE)

    async def _converse(self) -> None:
        """Connect, and talk until the connection ends. Raises Dismissed."""
        scheme = self._options.url.replace("http", "ws", 1)
        options: dict[str, Any] = {}
        if scheme.startswith("wss") and self._options.ca_file:
            import ssl  # noqa: PLC0415 - for TLS only

            options["ssl"] = ssl.create_default_context(cafile=self._options.ca_file)
        async with connect(
            f"{scheme}/agents/v1/connect",
            additional_headers=self._headers,
            compression=None,
            # A machine's proxy is for other traffic, and the library's own pings answer for a stuck program.
            proxy=None,
            ping_interval=None,
            max_size=MAX_MESSAGE,
            max_queue=16,
            open_timeout=10,
            close_timeout=1,
            **options,
        ) as socket:
            sender = FrameSender(socket.send)
            sender.put(self._hello())
            tasks = [
                asyncio.ensure_future(job)
                for job in (sender.run(), self._beat(sender), self._read(socket, sender))
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.result()

    async def _read(self, socket: ClientConnection, sender: FrameSender) -> None:
        reader = FrameReader(check_to_worker)
        while True:
            # The manager says something three times in the time after which it would be silent.
            async with asyncio.timeout(self._silence * 0.8):
                text = await socket.recv()
            frame = reader.feed(text if isinstance(text, str) else text.decode())
            if frame is not None:
                self._take(frame, sender)

    async def _beat(self, sender: FrameSender) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._silence / 6)
            if loop.time() - sender.idle_since >= self._silence / 6:
                sender.put({"type": "heartbeat"})

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "protocol": PROTOCOL,
            "version": cloudwright.__version__,
            "life": self._life,
            "machine": self._options.machine or machine_id(),
            "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
            "host": socket.gethostname(),
            "capacity": self._options.capacity,
        }

    def _take(self, frame: dict[str, Any], sender: FrameSender) -> None:
        match frame["type"]:
            case "welcome":
                self._welcome(frame, sender)
            case "refused":
                if frame["reason"] == "deleted":
                    raise Dismissed(frame["message"])
                raise FrameError(frame["message"])
            case "stop":
                if not self._stop.done():
                    self._stop.set_result(frame["reason"])
            case "reply":
                self._reports.reply(frame)
            case "stored":
                self._tasks.spawn(self._stored(frame["numbers"]), "acknowledging ends")
            case "heartbeat":
                pass
            case _:
                self._operations.take(frame)

    def _welcome(self, frame: dict[str, Any], sender: FrameSender) -> None:
        log.info("connected to %s as %s", self._options.url, frame["worker"])
        self._silence = float(frame["silence"])
        self._sender = sender
        held = self._operations.inventory()
        sender.put(
            {
                "type": "inventory",
                "operations": held + self._leftovers,
                "journal_broken": self._journal.found.broken,
            }
        )
        self._connected.set()
        self._reports.connected(frame["manager"])

    async def _stored(self, numbers: list[int]) -> None:
        for report in self._reports.stored(numbers):
            if report["kind"] == "ended":
                key = report["operation"], report["attempt"]
                self._operations.forget(key)
                await asyncio.to_thread(self._journal.acknowledge, key)

    async def _end_in_good_order(self) -> None:
        await self._operations.kill_all("its agent was stopped")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                await self._operations.all_stored()
        if not self._operations.held:
            self.send({"type": "goodbye"})
            # The connection's last frame leaves before its task is cancelled.
            await asyncio.sleep(0.1)


def machine_id() -> str:
    """Return what identifies this machine, as a hash."""
    parts = []
    for file in ("/etc/machine-id", "/sys/class/dmi/id/product_uuid"):
        with contextlib.suppress(OSError):
            parts.append(Path(file).read_text("utf-8").strip())
    return hashlib.sha256("\n".join(parts or [socket.gethostname()]).encode()).hexdigest()[:32]


def _open_cgroups(options: Options) -> Cgroups | None:
    if not options.cgroups:
        return None
    try:
        return Cgroups.open(options.home)
    except CgroupsUnavailable as error:
        log.info("operations get no cgroups: %s", error)
        return None


def configure_logging(handler: logging.Handler | None = None, level: str = "INFO") -> None:
    """Log to standard error, or by ``handler``."""
    logging.basicConfig(
        level=level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        handlers=[handler or logging.StreamHandler(sys.stderr)],
    )
