"""Ends the tree of a child: SIGTERM first, SIGKILL when asked, until nothing of it is left."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from contextlib import ExitStack

from cloudwright.process.limits import ALONE_SECONDS
from cloudwright.process.process_table import Identity, ProcessTable, pidfd
from cloudwright.process.process_tree import LOOKS, CgroupTree, Tree, ask_to_end

#: How long to wait for processes to end before looking again (seconds): at first, and at most.
_FIRST_PAUSE = 0.02
_LAST_PAUSE = 0.5
#: How many processes are watched at once (each takes a descriptor).
_WATCHED = 64


class ProcessTables:
    """Looks at all processes in a thread; all who ask during one look share the next."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[ProcessTable]] = []
        self._looking: asyncio.Task[None] | None = None

    async def fresh(self) -> ProcessTable:
        """Return a table of processes that was read after this call began."""
        loop = asyncio.get_running_loop()
        table: asyncio.Future[ProcessTable] = loop.create_future()
        self._waiting.append(table)
        if self._looking is None:
            self._looking = loop.create_task(self._look())
        return await table

    async def _look(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                table = await asyncio.to_thread(ProcessTable)
                for each in waiting:
                    if not each.done():
                        each.set_result(table)
        finally:
            self._looking = None


async def look(tree: Tree, tables: ProcessTables, known: Iterable[Identity] = ()) -> list[Identity]:
    """Return the living members of ``tree``, of which some are ``known``; none only if enough looks in a row
    have found none.
    """
    if isinstance(tree, CgroupTree):
        return tree.members()
    missing = LOOKS
    while missing:
        table = await tables.fresh()
        members = await asyncio.to_thread(tree.members, table, known)
        if members:
            return members
        missing -= table.complete
    return []


class TreeEnding:
    """The end of one child's tree. ``gone`` is done when nothing of it lives.

    At SIGTERM the child's own process is spared as long as others live: it reads and logs what they print
    while they clean up. It gets its SIGTERM if it was alone from the beginning, or has not ended a moment
    after the last of them.
    """

    def __init__(self, tree: Tree, leader: int, tables: ProcessTables) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tree = tree
        self._leader = leader
        self._tables = tables
        self._signum = int(signal.SIGTERM)
        self._asked: set[Identity] = set()
        self._alone_since: float | None = None
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def escalate(self, signum: int) -> None:
        """Begin with this signal, or switch to it if it is the stronger one."""
        if signum == signal.SIGKILL:
            self._signum = signum
            self._changed.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def cancel(self) -> None:
        """Leave what lives alone."""
        if self._task is not None:
            self._task.cancel()

    def conclude(self) -> None:
        """Nothing of it lives: the zygote has seen that first."""
        self.cancel()
        if not self.gone.done():
            self.gone.set_result(None)

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        members: list[Identity] = []
        while True:
            self._changed.clear()
            # What was found by its parent is not found by that any more when the parent has ended.
            members = await look(self._tree, self._tables, members)
            if not members:
                break
            if self._signum == signal.SIGKILL:
                self._tree.kill(members)
                patience = pause
            else:
                patience = self._ask(members) or pause
            await self._ends(members, patience)
            pause = _FIRST_PAUSE if self._changed.is_set() else min(2 * pause, _LAST_PAUSE)
        if not self.gone.done():
            self.gone.set_result(None)

    def _ask(self, members: list[Identity]) -> float | None:
        """SIGTERM to those that have not got it; returns how long to wait for the leader to end by itself."""
        others = [identity for identity in members if identity[0] != self._leader]
        if others:
            self._alone_since = None
            asked = others
        else:
            now = asyncio.get_running_loop().time()
            self._alone_since = self._alone_since or now
            left = self._alone_since + ALONE_SECONDS - now
            if self._asked and left > 0:
                return left
            asked = members
        for identity in asked:
            if identity not in self._asked:
                self._asked.add(identity)
                ask_to_end(identity)
        return None

    async def _ends(self, members: Iterable[Identity], timeout: float) -> None:  # noqa: ASYNC109
        """Wait until the processes have ended, a stronger signal is asked for, or the time has passed."""
        loop = asyncio.get_running_loop()
        watched: set[int] = set()

        def ended(fd: int) -> None:
            loop.remove_reader(fd)
            watched.discard(fd)
            if not watched:
                self._changed.set()

        with ExitStack() as held:
            for identity in list(members)[:_WATCHED]:
                fd = held.enter_context(pidfd(identity))
                if fd is not None:
                    watched.add(fd)
                    loop.add_reader(fd, ended, fd)
            if not watched:
                return
            try:
                async with asyncio.timeout(timeout):
                    await self._changed.wait()
            except TimeoutError:
                pass
            finally:
                for fd in watched:
                    loop.remove_reader(fd)
