"""The execution runner: what happens between two turns of its loop."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloudwright.bus.local import LocalBus
from cloudwright.manager.manager import Manager
from cloudwright.manager.plugin_environments import PluginEnvironments
from cloudwright.model.execution import CancelMode, ExecutionStatus
from cloudwright.settings import Settings
from cloudwright.storage import manager_queries
from cloudwright.storage.executions import admission, cancellation
from cloudwright.storage.records import NewExecution
from cloudwright.storage.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class NeverEnding:
    """A host whose workflow's process ends only when it is killed."""

    def __init__(self) -> None:
        self.killed = asyncio.Event()

    def kill(self) -> None:
        self.killed.set()

    async def run(self, *_: Any, **__: Any) -> None:
        await self.killed.wait()
        raise RuntimeError("it was forked although a forced request had come")


def test_a_forced_request_that_comes_when_the_preparation_has_just_ended_is_not_missed(
    tmp_path: Path,
) -> None:
    asyncio.run(asyncio.wait_for(_force_in_between(tmp_path), 20))


async def _force_in_between(home: Path) -> None:
    store = await asyncio.to_thread(Store.open, f"sqlite:///{home / 'store.db'}")
    manager = Manager(Settings(home=home), store, LocalBus(), PluginEnvironments(home), name="me")
    runner, leases = manager._execution_runner, manager._leases
    await store.write(admission.create, NewExecution("e", "w", None, None), queue=False, force=False, now=NOW)

    async def prepare_snapshot(_: Any) -> Any:
        return None

    async def prepare(*_: Any) -> Any:
        await store.write(cancellation.request_cancel, "e", CancelMode.FORCE, by="u", now=NOW)
        # Its turn is after the end of this and before its waiter continues.
        asyncio.get_running_loop().call_soon(leases.apply_cancel, "e", 1, CancelMode.FORCE)
        return None, {}, NeverEnding()

    runner.prepare = prepare_snapshot  # type: ignore[assignment, method-assign]
    runner._prepare = prepare  # type: ignore[assignment, method-assign]
    await leases.fill()
    while leases.busy:
        await asyncio.sleep(0.001)
    assert (await store.read(manager_queries.get, "e")).status is ExecutionStatus.CANCELLED
    await manager.close()
    store.close()
