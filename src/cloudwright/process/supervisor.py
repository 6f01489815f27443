"""The supervisor's side: starts zygotes, and has children forked by them.

Everything runs in the event loop that started the zygote, without threads and without polling.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import cloudwright
from cloudwright.errors import Unavailable
from cloudwright.process import fast_json, orphans
from cloudwright.process.child import Child, ChildObserver, ChildSpec, ExitStatus
from cloudwright.process.limits import CLOSE_SECONDS
from cloudwright.process.proc_title import PLACEHOLDERS
from cloudwright.process.zygote import MAX_REQUEST

__all__ = ["Child", "ChildObserver", "ChildSpec", "ExitStatus", "Zygote"]

# Loads this project's package from where it is, and nothing else from there: the interpreter may be another
# environment's, whose plugins must not find this environment's libraries before their own.
_BOOTSTRAP = """
import importlib.util, os, sys
folder, control = sys.argv[1], int(sys.argv[2])
if control != 3:
    os.dup2(control, 3)
    os.close(control)
os.set_inheritable(3, False)
spec = importlib.util.spec_from_file_location("cloudwright", folder + "/__init__.py")
sys.modules["cloudwright"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from cloudwright.process import zygote
zygote.main()
"""
#: What a zygote may see of this process's environment where its caller does not say: nothing that could be a
#: credential.
_HARMLESS = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
)
_TAIL = 4096

log = logging.getLogger(__name__)


class Zygote:
    """A warm single-threaded Python process that forks children on request.

    ``died`` is set to the reason when it has ended, however it did; children that lived were told dead by
    then.
    """

    def __init__(
        self, name: str, process: subprocess.Popen[bytes], control: socket.socket, printed: int
    ) -> None:
        """Use ``start``. Takes ``control`` and ``printed`` (the pipe of its output), both not blocking,
        over.
        """
        self._loop = asyncio.get_running_loop()
        self.name = name
        self.pid = process.pid
        self.died: asyncio.Future[str] = self._loop.create_future()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._process = process
        self._control = control
        self._printed = printed
        self._tail = b""
        self._closing = False
        self._reaping: asyncio.Task[None] | None = None
        self._keys = itertools.count(1)
        # By the request's number: children whose group may have members, and whether they exist already.
        self._children: dict[int, Child] = {}
        self._forking: dict[int, asyncio.Future[Child]] = {}
        # Packets that wait for the zygote to read, with the descriptors that go with them.
        self._outbox: deque[tuple[bytes, tuple[int, ...], int]] = deque()
        # Children (by key) that were told to end; those whose group is gone but whose output something still
        # writes.
        self._doomed: set[int] = set()
        self._left: list[Child] = []
        self._watches: set[asyncio.Task[None]] = set()
        self._pidfd = os.pidfd_open(process.pid)
        self._loop.add_reader(self._pidfd, self._ended)
        self._loop.add_reader(control.fileno(), self._read_control)
        self._loop.add_reader(printed, self._read_printed)

    @classmethod
    async def start(
        cls,
        *,
        name: str,
        python: str = sys.executable,
        path: Sequence[str] = (),
        preload: Sequence[str] = (),
        rehearse: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Zygote:
        """Start a zygote of the interpreter ``python``, with ``path`` before its sys.path, the modules
        ``preload`` imported, and the function ``rehearse`` ("module:function") called.

        ``env`` is its whole environment, which its children inherit; None takes the few harmless variables of
        this process (PATH, HOME, LANG, TZ, ...). Raises errors.Unavailable, with what it printed, when it
        does not start.
        """
        if env is None:
            env = {variable: os.environ[variable] for variable in _HARMLESS if variable in os.environ}
        zygote = cls(name, *_spawn(name, python, env))
        zygote._post(_setup(name, path, preload, rehearse))
        try:
            await asyncio.shield(zygote._ready)
        except BaseException:
            zygote._process.kill()
            await zygote.died
            raise
        return zygote

    async def fork(self, spec: ChildSpec, observer: ChildObserver) -> Child:
        """Fork a child. Raises errors.Unavailable when it cannot be forked; then ``observer`` is never
        called.
        """
        key = next(self._keys)
        request = fast_json.dumps(
            {
                "fork": key,
                "name": spec.name,
                "entry": spec.entry,
                "env": dict(spec.env),
                "cwd": spec.cwd,
                "memory_limit": spec.memory_limit,
                "umask": spec.umask,
            }
        )
        if len(request) > MAX_REQUEST:
            raise Unavailable(
                f"Process {spec.name} cannot be started: its environment is too large ({len(request)} bytes "
                f"asked, {MAX_REQUEST} are possible). Pass large values in files."
            )
        if self._closing or self._reaping is not None:
            raise Unavailable(f"Process {spec.name} cannot be started: its zygote {self.name} has ended.")
        try:
            channel, output, theirs = _ends()
        except OSError as error:
            raise Unavailable(f"Process {spec.name} cannot be started: {error}.") from error
        forked: asyncio.Future[Child] = self._loop.create_future()
        self._children[key] = Child(
            spec, observer, channel, output, lambda signum: self._signal(key, signum), self._leave_output
        )
        self._forking[key] = forked
        self._post(request, theirs, key)
        try:
            child = await asyncio.shield(forked)
        except asyncio.CancelledError:
            # Whoever wanted it is gone: it must not run on its own.
            forked.add_done_callback(_abandon)
            raise
        child.listen()
        return child

    async def close(self) -> None:
        """Kill the group of every child that lives, wait until they are dead, and end.

        Processes that children left behind when they ended are left alone.
        """
        if not self._closing:
            self._closing = True
            if self._reaping is None:
                # Behind whatever waits: the zygote kills what it forks last as well.
                self._post(b"")
        _, late = await asyncio.wait([self.died], timeout=CLOSE_SECONDS)
        if late:
            log.warning("zygote %s did not end in %s s and is killed", self.name, CLOSE_SECONDS)
            self._process.kill()
            await self.died
        for watch in self._watches:
            watch.cancel()

    def _signal(self, key: int, signum: int) -> None:
        if key not in self._children:
            return
        if self._reaping is not None:
            # Only groups that outlive their leader are left by then. They are watched: the number is theirs
            # yet.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._children[key].pid, signum)
            return
        if signum in (signal.SIGTERM, signal.SIGKILL):
            self._doomed.add(key)
        self._post(fast_json.dumps({"signal": signum, "to": key}))

    def _leave_output(self, output: int) -> None:
        self._post(fast_json.dumps({"drain": True}), (output,))

    def _post(self, packet: bytes, descriptors: tuple[int, ...] = (), key: int = 0) -> None:
        """Send a packet (none: close this direction), then close ``descriptors``; ``key`` is of the child
        that it asks for.
        """
        if self._reaping is not None:
            _close(descriptors)
            return
        self._outbox.append((packet, descriptors, key))
        if len(self._outbox) == 1:
            self._write_control()
            if self._outbox:
                self._loop.add_writer(self._control.fileno(), self._write_control)

    def _write_control(self) -> None:
        while self._outbox:
            packet, descriptors, key = self._outbox[0]
            try:
                if packet:
                    socket.send_fds(self._control, [packet], descriptors)
                else:
                    self._control.shutdown(socket.SHUT_WR)
            except BlockingIOError:
                return
            except ConnectionError:
                # It has died; whoever waits is notified when it is reaped.
                pass
            except OSError as error:
                if key:
                    self._heard("refused", key, str(error))
                else:
                    log.exception("zygote %s could not be told %r", self.name, packet)
            self._outbox.popleft()
            _close(descriptors)
        self._loop.remove_writer(self._control.fileno())

    def _read_control(self) -> bool:
        """Read once; whether there may be more."""
        try:
            packet = self._control.recv(MAX_REQUEST)
        except BlockingIOError:
            return False
        except ConnectionError:
            # It died without reading all. What it said before that comes next.
            return True
        if not packet:
            self._loop.remove_reader(self._control.fileno())
            return False
        for what, key, *details in fast_json.loads(packet):
            self._heard(what, key, *details)
        return True

    def _heard(self, what: str, key: int, *details: Any) -> None:
        if what == "forked":
            child = self._children[key]
            child.pid = details[0]
            self._forking.pop(key).set_result(child)
        elif what == "exited":
            code, signum, group_gone = details
            self._children[key].exited(ExitStatus(code, signum), group_gone)
            if group_gone:
                self._forget(key)
        elif what == "gone":
            self._forget(key).gone()
        elif what == "refused":
            child = self._children.pop(key)
            child.release()
            error = f"Process {child.name} cannot be started: {details[0]}."
            self._forking.pop(key).set_exception(Unavailable(error))
        elif what == "ready":
            self._ready.set_result(None)
        elif what == "failed":
            self._ready.set_exception(Unavailable(f"Zygote {self.name} cannot be started: {details[0]}"))

    def _forget(self, key: int) -> Child:
        """The child's group has no member left."""
        self._doomed.discard(key)
        return self._children.pop(key)

    def _read_printed(self) -> None:
        data = os.read(self._printed, _TAIL)
        if not data:
            self._loop.remove_reader(self._printed)
            return
        self._tail = (self._tail + data)[-_TAIL:]
        log.warning("zygote %s: %s", self.name, data.decode("utf-8", "replace").rstrip())

    def _ended(self) -> None:
        """The zygote's process is dead."""
        self._loop.remove_reader(self._pidfd)
        while self._read_control():
            pass
        # Its end is not always read by then: a child that it had just forked may hold the socket open yet.
        self._loop.remove_reader(self._control.fileno())
        self._reaping = self._loop.create_task(self._reap(self._process.wait()))

    async def _reap(self, code: int) -> None:
        """Tell everybody who relied on the zygote, and do what it cannot do any more."""
        status = ExitStatus(code) if code >= 0 else ExitStatus(signal=-code)
        reason = f"Zygote {self.name} ended with {status.describe()}."
        tail = self._tail.decode("utf-8", "replace").strip()
        if tail:
            reason += f" The last it printed:\n{tail}"
        if not self._ready.done():
            self._ready.set_exception(Unavailable(reason))
        await self._end_unforked(status)
        await self._end_orphans()
        self._loop.remove_writer(self._control.fileno())
        for _, descriptors, _ in self._outbox:
            _close(descriptors)
        self._control.close()
        self._loop.remove_reader(self._printed)
        _close((self._pidfd, self._printed))
        self.died.set_result(reason)

    async def _end_unforked(self, status: ExitStatus) -> None:
        """Some that nobody has heard of may have been forked all the same, and have forked others."""
        unforked = {key: self._children[key].name for key in self._forking}
        if unforked:
            known = {child.pid for child in self._children.values()}
            found = orphans.find(unforked.values())
            await orphans.kill(group for group in found if group.pgid not in known)
        for key in unforked:
            self._heard("refused", key, f"its zygote {self.name} ended with {status.describe()}")

    async def _end_orphans(self) -> None:
        """Its children died with it (PR_SET_PDEATHSIG). What these had started did not."""
        living = {key for key, child in self._children.items() if not child.ended}
        condemned = {self._children[key].pid: self._children[key].name for key in living | self._doomed}
        for group in condemned:
            # The number is not another's yet: the leader died a moment ago, or lives.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        stuck = {group.pgid for group in await orphans.kill(orphans.groups(condemned))}
        for key, child in list(self._children.items()):
            group_gone = child.pid in condemned and child.pid not in stuck
            if key in living:
                child.fault = child.fault or f"its zygote {self.name} died"
                child.exited(ExitStatus(signal=signal.SIGKILL), group_gone)
                if group_gone:
                    self._forget(key)
            elif group_gone:
                self._forget(key).gone()
            if not group_gone and not self._closing:
                # Left running on purpose, or not to be killed: its end is still told.
                watch = self._loop.create_task(self._watch(key))
                self._watches.add(watch)
                watch.add_done_callback(self._watches.discard)

    async def _watch(self, key: int) -> None:
        child = self._children[key]
        for group in orphans.groups({child.pid: child.name}):
            await orphans.gone(group)
        self._forget(key).gone()


def _spawn(
    name: str, python: str, env: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], socket.socket, int]:
    """Start a zygote's process: it, the control socket, and the pipe of what it prints."""
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    printed, printing = os.pipe()
    folder = str(Path(cloudwright.__file__).parent)
    try:
        process = subprocess.Popen(
            # -P: nothing from the current folder is imported. -X utf8: what children print is UTF-8, whatever
            # the locale.
            [python, "-P", "-X", "utf8", "-c", _BOOTSTRAP, folder, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=printing,
            stderr=printing,
            pass_fds=[theirs.fileno()],
            cwd="/",
            env={**env, **PLACEHOLDERS},
            start_new_session=True,
        )
    except OSError as error:
        control.close()
        os.close(printed)
        raise Unavailable(f"Zygote {name} cannot be started with {python}: {error}.") from error
    finally:
        theirs.close()
        os.close(printing)
    control.setblocking(False)
    os.set_blocking(printed, False)
    return process, control, printed


def _setup(name: str, path: Sequence[str], preload: Sequence[str], rehearse: str | None) -> bytes:
    folders = [os.path.abspath(folder) for folder in path]
    setup = {"name": name, "path": folders, "preload": list(preload), "rehearse": rehearse}
    return fast_json.dumps(setup)


def _ends() -> tuple[socket.socket, int, tuple[int, int]]:
    """For a child: its channel and its output, both not blocking, and its own ends of both."""
    channel, theirs = socket.socketpair()
    with theirs:
        try:
            output, printing = os.pipe()
        except OSError:
            channel.close()
            raise
        channel.setblocking(False)
        os.set_blocking(output, False)
        return channel, output, (theirs.detach(), printing)


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _abandon(forked: asyncio.Future[Child]) -> None:
    if forked.exception() is None:
        forked.result().abandon()
