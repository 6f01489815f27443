"""Background tasks of one owner: kept from being collected, cancelled together, and logged if they fail; and
work that several wait for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)


class TaskSet:
    """The tasks that one object started and does not await one by one.

    ``on_failure`` is called once for each task that raised, after that was logged.
    """

    def __init__(self, on_failure: Callable[[], None] | None = None) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on_failure = on_failure

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        return iter(set(self._tasks))

    def spawn(self, coro: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run ``coro`` as a task; ``name`` says in the log what failed ("the end of operation X")."""
        task = asyncio.get_running_loop().create_task(coro, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def join(self) -> None:
        """Wait until no task is left, those included that are spawned meanwhile."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        """Cancel every task and wait for its end."""
        for task in self._tasks:
            task.cancel()
        await self.join()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is None:
            return
        log.error("%s failed", task.get_name(), exc_info=task.exception())
        if self._on_failure is not None:
            self._on_failure()


@dataclass(slots=True)
class _Shared:
    """Work that is under way, and how many wait for it."""

    task: asyncio.Task[None]
    waiters: int = 0


class SharedWork:
    """Work that is done once for all that wait for it, by key; without any of them it is cancelled."""

    def __init__(self) -> None:
        self._running: dict[str, _Shared] = {}
        # Work without a waiter, until it has ended.
        self._ending: dict[str, asyncio.Task[None]] = {}

    async def join(self, key: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Wait for the work of ``key``, which is begun if it does not run. Raises what it raises.

        It is begun only when what was cancelled before has ended.
        """
        shared = self._running.get(key)
        if shared is None:
            task = asyncio.ensure_future(_after(self._ending.get(key), work))
            shared = self._running[key] = _Shared(task)
            task.add_done_callback(lambda _: self._forget(key, task))
        shared.waiters += 1
        try:
            await asyncio.shield(shared.task)
        finally:
            shared.waiters -= 1
            if not shared.waiters and self._running.get(key) is shared:
                self._abort(key)

    async def close(self) -> None:
        """Cancel all of it, and wait for its end."""
        for key in list(self._running):
            self._abort(key)
        await asyncio.gather(*self._ending.values(), return_exceptions=True)

    def _abort(self, key: str) -> None:
        task = self._running.pop(key).task
        if not task.done():
            self._ending[key] = task
            task.add_done_callback(lambda _: self._ending.pop(key, None))
            task.cancel()

    def _forget(self, key: str, task: asyncio.Task[None]) -> None:
        shared = self._running.get(key)
        if shared is not None and shared.task is task:
            del self._running[key]


async def _after(before: asyncio.Task[None] | None, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    if before is not None:
        await asyncio.wait([before])
    await work()
