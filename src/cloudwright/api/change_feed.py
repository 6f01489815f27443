"""The stream of changes of a tenant: which executions, deployments and blueprints changed, as it happens.

It says what to look at again, not what is there now: a client reads that from the resource. One subscription
to the bus serves all streams, and changes of the same moment are sent as one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import orjson

from cloudwright.background import TaskSet
from cloudwright.bus import topics
from cloudwright.bus.protocol import OVERFLOW, Bus, Message, words
from cloudwright.storage import manager_queries
from cloudwright.storage.store import Store
from cloudwright.storage.visibility import Scope, hidden

#: How long changes are gathered (seconds): far below what a reader notices.
GATHER = 0.03
#: Seconds after which a silent stream shows that it is alive.
HEARTBEAT = 10.0
# Executions whose tenant is remembered.
_REMEMBERED = 10_000
_PATTERNS = ("execution.*", "deployment.*.*", "blueprint.*.*", topics.ACCOUNTS)

#: The kind and the id of what changed; then what of it changed, and the deployment it belongs to.
_Subject = tuple[str, str]


class _Follower:
    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.changes: dict[_Subject, tuple[set[str], str | None]] = {}
        self.lost = False
        self.closed = False
        self.accounts_changed = False
        self.woken = asyncio.Event()

    def add(self, subject: _Subject, what: str, deployment_id: str | None) -> None:
        self.changes.setdefault(subject, (set(), deployment_id))[0].add(what)
        self.woken.set()


class ChangeFeed:
    """Reads the bus while somebody follows, for all who do."""

    def __init__(self, bus: Bus, store: Store) -> None:
        self._bus = bus
        self._store = store
        self._followers: set[_Follower] = set()
        self._tasks = TaskSet()
        self._reader: asyncio.Task[None] | None = None
        self._owners: OrderedDict[str, tuple[str, str | None]] = OrderedDict()

    async def follow(
        self,
        tenant: str,
        *,
        heartbeat: float = HEARTBEAT,
        check: Callable[[bool], Awaitable[bool]] | None = None,
        check_interval: float = 1.0,
        scope: Scope | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield server-sent events until the manager stops: ``ready`` at once, ``changed`` for each thing
        that changed, ``lost`` if some were not seen, ``beat`` if nothing else was sent for a while, and
        ``end``. ``check`` says at times if it may go on, and is told if it is to look again; ``scope``
        is what its user sees, None is everything.
        """
        follower = _Follower(tenant)
        self._followers.add(follower)
        if self._reader is None or self._reader.done():
            self._reader = self._tasks.spawn(self._read(), "the stream of changes")
        loop = asyncio.get_running_loop()
        beaten = checked = looked = loop.time()
        try:
            yield _event("ready", {})
            while not follower.closed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(heartbeat if check is None else check_interval):
                        await follower.woken.wait()
                look = follower.accounts_changed or loop.time() - looked >= heartbeat
                if check is not None and (look or loop.time() - checked >= check_interval):
                    checked = loop.time()
                    looked = checked if look else looked
                    follower.accounts_changed = False
                    if not await check(look):
                        yield _event("signed_out", {})
                        return
                await self._leave_out_hidden(follower, scope)
                chunk = _taken(follower)
                if not chunk and loop.time() - beaten >= heartbeat:
                    chunk = _event("beat", {})
                if chunk:
                    beaten = loop.time()
                    yield chunk
                    await asyncio.sleep(GATHER)
            yield _event("end", {})
        finally:
            self._followers.discard(follower)
            if not self._followers and self._reader is not None:
                # Another follower may come before it has ended: that one gets a reader of its own.
                self._reader.cancel()
                self._reader = None

    async def _leave_out_hidden(self, follower: _Follower, scope: Scope | None) -> None:
        if scope is None or scope.administers is None or not follower.changes:
            return
        named = {(f"{kind}s", id): (kind, id) for kind, id in follower.changes}
        for subject in await self._store.read_tail(hidden, scope, follower.tenant, list(named)):
            follower.changes.pop(named[subject], None)

    async def _read(self) -> None:
        async with self._bus.subscribe(*_PATTERNS) as subscription:
            async for topic, message in subscription:
                if topic == OVERFLOW:
                    for follower in self._followers:
                        follower.lost = follower.accounts_changed = True
                        follower.woken.set()
                elif topic == topics.ACCOUNTS:
                    for follower in self._followers:
                        follower.accounts_changed = True
                        follower.woken.set()
                else:
                    await self._pass_on(topic, message)
        for follower in self._followers:
            follower.closed = True
            follower.woken.set()

    async def _pass_on(self, topic: str, message: Message) -> None:
        kind, *rest = words(topic)
        if kind == "execution":
            id, what = rest[0], str(message.get("kind"))
            tenant, deployment_id = await self._owner(id)
        else:
            tenant, id = rest
            what, deployment_id = str(message.get("state")), None
        for follower in self._followers:
            if follower.tenant == tenant:
                follower.add((kind, id), what, deployment_id)

    async def _owner(self, execution_id: str) -> tuple[str, str | None]:
        """Return the tenant and the deployment of an execution; no tenant if it is not known."""
        known = self._owners.get(execution_id)
        if known is None:
            known = await self._store.read_tail(manager_queries.owner_of, execution_id)
            if known is None:
                return "", None
            self._owners[execution_id] = known
            if len(self._owners) > _REMEMBERED:
                self._owners.popitem(last=False)
        return known


def _taken(follower: _Follower) -> bytes:
    follower.woken.clear()
    changes, follower.changes = follower.changes, {}
    lost, follower.lost = follower.lost, False
    return (_event("lost", {}) if lost else b"") + b"".join(
        _event("changed", {"kind": kind, "id": id, "what": sorted(what), "deployment_id": deployment_id})
        for (kind, id), (what, deployment_id) in changes.items()
    )


def _event(name: str, data: dict[str, object]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
