"""Zygotes: one for workflows and one for operations, of the manager's own environment and of every plugin's.

Workflows and operations are forked from different zygotes so that the loss of the one that runs operations
costs the operations and not the workflows that are to react to it. One that died is started again when it
is next needed.

Those of plugins' environments are started on demand, and end when they were not used for a while. When an
operation has said what it loaded (``operation.warm_imports``), the next zygote of its environment is started
with that, beside the present one, which forks until the new one is ready.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudwright.background import TaskSet
from cloudwright.errors import Unavailable
from cloudwright.manager.plugin_commands import child_basics
from cloudwright.process.cgroups import Cgroups
from cloudwright.process.supervisor import Zygote

WORKFLOWS = "workflows"
OPERATIONS = "operations"
#: What each kind of child has imported before it is forked: its own code, and the names that plugins import.
PRELOAD = {
    WORKFLOWS: ("cloudwright.workflow.child", "cloudwright.compat.workflow_preload"),
    OPERATIONS: ("cloudwright.operation.child", "cloudwright.compat.operation_preload"),
}
#: What each kind of zygote runs beforehand, so that its children find their code warm.
REHEARSE = {WORKFLOWS: None, OPERATIONS: "cloudwright.operation.warmup:warm_up"}
#: What zygotes of plugins' operations run with what is wanted, before they fork anyone.
WARM = "cloudwright.operation.warm_imports:warm"
#: How long a zygote may take to load that (seconds).
WARM_SECONDS = 120.0
#: How long the import of one module may take in its trial (seconds).
TRIAL_SECONDS = 30.0
#: What is learned within this time of something else goes into the same new zygote (seconds).
LEARN_SECONDS = 2.0
#: How long a zygote may be used by those who got it (seconds).
HOLD_SECONDS = 60.0
#: The most modules, and descriptions of services, that one environment keeps loaded.
MOST = 200

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Environment:
    """The zygotes of one role in one environment."""

    role: str
    key: str
    python: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    zygote: Zygote | None = None
    used: float = 0.0
    #: Replaced ones that may fork yet, or whose children run, and when each was replaced.
    former: dict[Zygote, float] = field(default_factory=dict)
    modules: dict[str, None] = field(default_factory=dict)
    models: dict[tuple[str, ...], None] = field(default_factory=dict)
    renewal: asyncio.Task[None] | None = None
    stale: bool = False

    @property
    def wanted(self) -> dict[str, Any] | None:
        """What a zygote of it loads beforehand; None if its children say nothing of what they load."""
        if not self.key or self.role != OPERATIONS:
            return None
        return {
            "modules": list(self.modules),
            "models": [list(name) for name in self.models],
            "seconds": TRIAL_SECONDS,
        }

    def living(self) -> Zygote | None:
        return self.zygote if self.zygote is not None and not self.zygote.died.done() else None


class Zygotes:
    def __init__(self, cgroups: Cgroups | None = None, *, idle: float = 0) -> None:
        """Each child gets a cgroup in ``cgroups``, if there are any. ``idle`` is for how long a zygote of a
        plugin stays without use (seconds); 0 means for ever.
        """
        self._cgroups = cgroups
        self._idle = idle
        self._environments: dict[tuple[str, str], _Environment] = {}
        self._tasks = TaskSet()
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._deadline: tuple[float, float] | None = None

    def extend(self, deadline: float, last: float) -> None:
        """Extend the deadline of every zygote that there is or will be (``Zygote.extend``)."""
        self._deadline = deadline, last
        for one in self._environments.values():
            for zygote in (one.zygote, *one.former):
                if zygote is not None:
                    zygote.extend(deadline, last)

    def has(self, key: str) -> bool:
        """Return whether a zygote of this environment lives."""
        return any(
            zygote is not None and not zygote.died.done()
            for (_, of), one in self._environments.items()
            if of == key
            for zygote in (one.zygote, *one.former)
        )

    async def close(self) -> None:
        """End every zygote, and with it every process of a workflow or operation that still runs."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        await self._tasks.close()
        every = [zygote for one in self._environments.values() for zygote in (one.zygote, *one.former)]
        self._environments = {}
        await asyncio.gather(*(zygote.close() for zygote in every if zygote is not None))
        if self._cgroups is not None:
            self._cgroups.close()

    @property
    def tracking(self) -> str:
        """How all that a child starts is found when it is to end: ``cgroup`` or ``process tree``."""
        zygotes = [one.living() for one in self._environments.values()]
        living = [zygote for zygote in zygotes if zygote is not None]
        return "cgroup" if living and all(zygote.leaves for zygote in living) else "process tree"

    async def get(self, role: str, key: str = "", python: str = sys.executable) -> Zygote:
        """Return a zygote of an environment, the manager's own if ``key`` is empty, that forks at once."""
        one = self._environments.setdefault((role, key), _Environment(role, key, python))
        one.used = asyncio.get_running_loop().time()
        zygote = one.living()
        if zygote is not None:
            return zygote
        async with one.lock:
            zygote = one.living()
            if zygote is None:
                if one.zygote is not None:
                    log.warning("the zygote of %s %s died and is started again", role, key)
                one.python = python
                zygote = one.zygote = await self._started(one)
                self._watch()
            return zygote

    async def _started(self, one: _Environment) -> Zygote:
        try:
            return await self._start(one)
        except Unavailable as error:
            # Killed while it started, say, or what it was to load is to blame. If it cannot be started at
            # all, that shows again.
            log.warning("%s It is started once more.", error)
            one.modules.clear()
            one.models.clear()
            return await self._start(one)

    async def _start(self, one: _Environment) -> Zygote:
        wanted = one.wanted
        starting = Zygote.start(
            name=f"{one.role}-{one.key or 'own'}",
            python=one.python,
            preload=PRELOAD[one.role],
            rehearse=REHEARSE[one.role],
            warm=None if wanted is None else (WARM, wanted),
            env=child_basics(),
            cgroups=self._cgroups,
        )
        try:
            zygote = await asyncio.wait_for(starting, None if wanted is None else WARM_SECONDS)
        except TimeoutError:
            raise Unavailable(f"The zygote of {one.key} was not ready within {WARM_SECONDS:g} s.") from None
        if self._deadline is not None:
            zygote.extend(*self._deadline)
        if wanted is None:
            return zygote
        for module, why in (zygote.warmed or {}).items():
            log.info("plugin environment %s: `%s` is imported by each operation: %s", one.key, module, why)
        zygote.learn = lambda loaded: self._learn(one, loaded)
        return zygote

    def _learn(self, one: _Environment, loaded: dict[str, Any]) -> None:
        """Have what an operation loaded be loaded by the next zygote. It is a plugin that says so."""
        modules = [name for name in loaded.get("modules", ()) if name not in one.modules]
        models = [tuple(name) for name in loaded.get("models", ()) if tuple(name) not in one.models]
        room = max(0, MOST - len(one.modules)), max(0, MOST - len(one.models))
        one.modules |= dict.fromkeys(modules[: room[0]])
        one.models |= dict.fromkeys(models[: room[1]])
        if self._closing or not (modules[: room[0]] or models[: room[1]]):
            return
        one.stale = True
        if one.renewal is None or one.renewal.done():
            one.renewal = self._tasks.spawn(self._renew(one), f"the next zygote of {one.key}")

    async def _renew(self, one: _Environment) -> None:
        while one.stale:
            # Others learn something too, at the beginning of a deployment.
            await asyncio.sleep(LEARN_SECONDS)
            one.stale = False
            try:
                zygote = await self._start(one)
            except Unavailable as error:
                log.warning("the next zygote of %s cannot be used: %s", one.key, error)
                return
            former, one.zygote = one.zygote, zygote
            if former is not None:
                one.former[former] = asyncio.get_running_loop().time()
            log.info("plugin environment %s: %d modules are loaded beforehand", one.key, len(one.modules))
            self._watch()

    def _watch(self) -> None:
        """Look later for zygotes that are not used any more."""
        if self._timer is None and not self._closing:
            seconds = min(HOLD_SECONDS, self._idle or HOLD_SECONDS)
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        unused: list[Zygote] = []
        for one in self._environments.values():
            unused += _taken(one, now)
            zygote = one.living()
            late = self._idle and now - one.used >= max(self._idle, HOLD_SECONDS)
            if one.key and zygote is not None and late and not zygote.has_children:
                one.zygote = None
                unused.append(zygote)
        for zygote in unused:
            log.info("zygote %s was not used and ends", zygote.name)
            self._tasks.spawn(zygote.close(), f"the end of zygote {zygote.name}")
        if any(
            one.former or (one.key and one.living() and self._idle) for one in self._environments.values()
        ):
            self._watch()


def _taken(one: _Environment, now: float) -> Sequence[Zygote]:
    """Return the former zygotes that nobody holds any more, and keep them no longer."""
    over = [
        zygote
        for zygote, since in one.former.items()
        if zygote.died.done() or (now - since >= HOLD_SECONDS and not zygote.has_children)
    ]
    for zygote in over:
        del one.former[zygote]
    return over
