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
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudwright.errors import Unavailable
from cloudwright.process import fast_json, orphans, zygote_start
from cloudwright.process.cgroups import Cgroups, sweep
from cloudwright.process.child import Child, ChildObserver, ChildSpec, ExitStatus
from cloudwright.process.limits import CLOSE_SECONDS, DEATH_SECONDS
from cloudwright.process.process_table import Identity, child_key, mark, process_identity
from cloudwright.process.process_tree import CgroupTree, MarkedTree, Tree
from cloudwright.process.tree_ending import ProcessTables, TreeEnding, look
from cloudwright.process.watchdog import START_SECONDS, Watchdog
from cloudwright.process.zygote import MAX_REQUEST

__all__ = ["Child", "ChildObserver", "ChildSpec", "ExitStatus", "Zygote"]

_TAIL = 4096

log = logging.getLogger(__name__)


class Zygote:
    """A warm single-threaded Python process that forks children on request.

    ``died`` is set to the reason when it has ended, however it did; children that lived were reported dead by
    then.
    """

    def __init__(
        self,
        name: str,
        leaves: str | None,
        process: subprocess.Popen[bytes],
        control: socket.socket,
        printed: int,
    ) -> None:
        """Use ``start``. Takes ``control`` and ``printed`` (the pipe of its output), both not blocking,
        over.
        """
        self._loop = asyncio.get_running_loop()
        self.name = name
        self.pid = process.pid
        #: The cgroup that has one for each child; None if they have none.
        self.leaves = leaves
        self.died: asyncio.Future[str] = self._loop.create_future()
        #: What its ``warm`` returned; None without one.
        self.warmed: Any = None
        #: Called with what its children say that they loaded and it had not.
        self.learn: Callable[[Any], None] | None = None
        self._ready: asyncio.Future[Any] = self._loop.create_future()
        self._process = process
        self._control = control
        self._printed = printed
        self._tail = b""
        self._closing = False
        self._reaping: asyncio.Task[None] | None = None
        self._keys = itertools.count(1)
        # By the request's number: children that have not ended, and whether they exist already.
        self._children: dict[int, Child] = {}
        self._forking: dict[int, asyncio.Future[Child]] = {}
        # Packets that wait for the zygote to read, with the descriptors that go with them.
        self._outbox: deque[tuple[bytes, tuple[int, ...], int]] = deque()
        # Children that are being ended.
        self._endings: dict[Child, TreeEnding] = {}
        self._tables = ProcessTables()
        # The numbers of leaves that are empty, and in which nothing is being ended any more.
        self._free_leaves: list[int] = []
        # The numbers of those in which something was ended: with Linux 6.14 and later, whatever is born in a
        # cgroup that has been killed once is killed.
        self._spent_leaves: list[int] = []
        # Children of which nothing lives, though their end was not reported.
        self._unreported: set[Child] = set()
        self._watchdog = Watchdog(process.pid, self._is_asked, self._hung)
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
        warm: tuple[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        cgroups: Cgroups | None = None,
    ) -> Zygote:
        """Start a zygote of the interpreter ``python``, with ``path`` before its sys.path, the modules
        ``preload`` imported, and the function ``rehearse`` ("module:function") called. Then the function of
        ``warm`` is called with what stands beside it, and what it returns is ``warmed``; both must be JSON.

        ``env`` is its whole environment, which its children inherit; None takes the few harmless variables of
        this process (PATH, HOME, LANG, TZ, ...). Each child gets a cgroup in ``cgroups``, if there are any.
        Raises errors.Unavailable, with what it printed, if it does not start.
        """
        if env is None:
            env = zygote_start.harmless_environment()
        leaves = None if cgroups is None else cgroups.zygote_folder(name)
        zygote = cls(name, leaves, *zygote_start.spawn(name, python, env))
        zygote._post(zygote_start.setup(name, path, preload, rehearse, warm, leaves))
        zygote._watchdog.expect(START_SECONDS)
        try:
            zygote.warmed = await asyncio.shield(zygote._ready)
        except BaseException:
            zygote._process.kill()
            await zygote.died
            raise
        return zygote

    async def fork(self, spec: ChildSpec, observer: ChildObserver) -> Child:
        """Fork a child. Raises errors.Unavailable when it cannot be forked; then ``observer`` is never
        called.
        """
        key, identity = next(self._keys), child_key(spec.name, spec.attempt)
        request = fast_json.dumps(
            {
                "fork": key,
                "leaf": self._free_leaves.pop() if self._free_leaves else None,
                "spent": self._spent_leaves,
                "name": spec.name,
                "key": identity,
                "mark": mark(identity),
                "entry": spec.entry,
                "env": dict(spec.env),
                "cwd": spec.cwd,
                "memory_limit": spec.memory_limit,
                "umask": spec.umask,
            }
        )
        self._spent_leaves.clear()
        if len(request) > MAX_REQUEST:
            raise Unavailable(
                f"Process {spec.name} cannot be started: its environment is too large ({len(request)} bytes "
                f"asked, {MAX_REQUEST} are possible). Pass large values in files."
            )
        if self._closing or self._reaping is not None:
            raise Unavailable(f"Process {spec.name} cannot be started: its zygote {self.name} has ended.")
        try:
            channel, output, theirs = zygote_start.child_ends()
        except OSError as error:
            raise Unavailable(f"Process {spec.name} cannot be started: {error}.") from error
        forked: asyncio.Future[Child] = self._loop.create_future()
        self._children[key] = Child(
            spec, observer, channel, output, self._signal, self._look, self._leave_output
        )
        self._forking[key] = forked
        self._post(request, theirs, key)
        self._watchdog.expect()
        try:
            child = await asyncio.shield(forked)
        except asyncio.CancelledError:
            # Its caller was cancelled: it must not run on its own.
            forked.add_done_callback(_abandon)
            raise
        child.listen()
        return child

    def extend(self, deadline: float, last: float) -> None:
        """Have it end itself and all that it runs at ``deadline``, unless this is called again before, and
        the kernel kill it at ``last`` if it cannot (seconds of CLOCK_BOOTTIME). Without a call it has none.
        """
        self._post(fast_json.dumps({"deadline": deadline, "last": last}))

    @property
    def has_children(self) -> bool:
        """Whether any child lives, is being forked, or is being ended."""
        return bool(self._children or self._endings)

    async def close(self) -> None:
        """Kill every child that lives, with all that it started, wait until they are dead, and end.

        Processes that children left behind when they ended are left alone.
        """
        if not self._closing:
            self._closing = True
            for child in list(self._children.values()):
                if child.pid:
                    child.signal(signal.SIGKILL)
            if self._endings:
                await asyncio.wait([ending.gone for ending in self._endings.values()], timeout=DEATH_SECONDS)
            if self._reaping is None:
                # Behind whatever waits: the zygote kills what it forks last as well.
                self._post(b"")
        _, late = await asyncio.wait([self.died], timeout=CLOSE_SECONDS)
        if late:
            log.warning("zygote %s did not end in %s s and is killed", self.name, CLOSE_SECONDS)
            self._process.kill()
            await self.died
        for ending in self._endings.values():
            ending.cancel()

    def _signal(self, child: Child, signum: int) -> None:
        """Begin to end the child's tree, or escalate to SIGKILL."""
        ending = self._endings.get(child)
        if ending is None:
            ending = self._endings[child] = TreeEnding(self._tree(child), child.pid, self._tables)
            ending.gone.add_done_callback(lambda _: self._emptied(child))
        ending.escalate(signum)

    async def _look(self, child: Child) -> list[Identity]:
        """What lives of the child's tree."""
        return await look(self._tree(child), self._tables)

    def _tree(self, child: Child) -> Tree:
        if child.leaf is not None:
            return CgroupTree(f"{self.leaves}/{child.leaf}")
        leader = None if child.ended else process_identity(child.pid)
        return MarkedTree(child.name, child.key, leader, self.pid if self._reaping is None else None)

    def _emptied(self, child: Child) -> None:
        """Nothing of the child's tree lives; its end may still have to be reported."""
        if child.ended:
            self._endings.pop(child, None)
            child.gone()
        else:
            self._unreported.add(child)
            self._watchdog.expect()

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
                # It has died; waiters are notified when it is reaped.
                pass
            except OSError as error:
                if key:
                    self._heard("refused", key, str(error))
                else:
                    log.exception("zygote %s could not be sent %r", self.name, packet)
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
        self._watchdog.heard()
        for what, key, *details in fast_json.loads(packet):
            self._heard(what, key, *details)
        return True

    def _heard(self, what: str, key: int, *details: Any) -> None:
        if what == "forked":
            child = self._children[key]
            child.pid, child.leaf = details
            self._forking.pop(key).set_result(child)
        elif what == "exited":
            code, signum, gone = details
            self._exited(self._children.pop(key), ExitStatus(code, signum), gone)
        elif what == "refused":
            child = self._children.pop(key)
            child.release()
            error = f"Process {child.name} cannot be started: {details[0]}."
            self._forking.pop(key).set_exception(Unavailable(error))
        elif what == "ready":
            if details[0] is not None:
                log.warning("the children of zygote %s get no cgroups: %s", self.name, details[0])
                self._remove_leaves()
            self._ready.set_result(details[1])
        elif what == "failed":
            self._ready.set_exception(Unavailable(f"Zygote {self.name} cannot be started: {details[0]}"))

    def _exited(self, child: Child, status: ExitStatus, gone: bool) -> None:
        self._unreported.discard(child)
        ending = self._endings.get(child)
        if ending is not None and (gone or ending.gone.done()):
            del self._endings[child]
            ending.conclude()
        if gone and child.leaf is not None:
            (self._free_leaves if ending is None else self._spent_leaves).append(child.leaf)
        child.exited(status, gone or (ending is not None and ending.gone.done()))

    def _is_asked(self) -> bool:
        return bool(self._forking or self._unreported or not self._ready.done())

    def _hung(self, why: str) -> None:
        """It will not do what it was asked to. What it supervised ends with it."""
        log.error("zygote %s does not answer (%s) and is killed", self.name, why)
        self._process.kill()

    def _remove_leaves(self) -> None:
        if self.leaves is not None:
            sweep(self.leaves)
            self.leaves = None

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
        """Report the zygote's death to its children's observers, and do what it cannot do any more."""
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
        self._watchdog.close()
        self._loop.remove_reader(self._printed)
        _close((self._pidfd, self._printed))
        self.died.set_result(reason)

    async def _end_unforked(self, status: ExitStatus) -> None:
        """Some that were never reported may have been forked all the same, and have forked others."""
        unforked = {key: self._children[key] for key in self._forking}
        if unforked:
            names = {child.key: child.name for child in unforked.values()}
            await orphans.kill(await asyncio.to_thread(orphans.find, names))
        for key in unforked:
            self._heard("refused", key, f"its zygote {self.name} ended with {status.describe()}")

    async def _end_orphans(self) -> None:
        """Its children died with it (PR_SET_PDEATHSIG). What these had started did not."""
        living = [child for child in self._children.values() if not child.ended]
        for child in [*living, *self._endings]:
            self._signal(child, signal.SIGKILL)
        if self._endings:
            await asyncio.wait([ending.gone for ending in self._endings.values()], timeout=DEATH_SECONDS)
        self._children.clear()
        for child in living:
            child.fault = child.fault or f"its zygote {self.name} died"
            self._exited(child, ExitStatus(signal=signal.SIGKILL), gone=False)
        if self.leaves is not None:
            sweep(self.leaves)


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _abandon(forked: asyncio.Future[Child]) -> None:
    if forked.exception() is None:
        forked.result().abandon()
