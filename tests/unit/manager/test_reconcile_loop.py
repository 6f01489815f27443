"""The reconcile loop: a stored kill is carried out, once, until nothing of it is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import workflow_frames
from cloudwright.bus.local import LocalBus
from cloudwright.errors import StaleTerm
from cloudwright.manager.manager import Manager
from cloudwright.manager.plugin_environments import PluginEnvironments
from cloudwright.manager.reconcile_loop import ReconcileLoop
from cloudwright.manager.workflow_journal import WorkflowJournal
from cloudwright.manager.workflow_steps import WorkflowSteps
from cloudwright.model.execution import CancelMode, Outcome
from cloudwright.model.operation import OperationState
from cloudwright.settings import Settings
from cloudwright.storage import manager_queries, operations
from cloudwright.storage.executions import admission, cancellation, claims, ending
from cloudwright.storage.records import NewExecution
from cloudwright.storage.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OPERATION = {"id": "o", "name": "act", "attempt": 1}


class Killer:
    """A dispatcher that is asked to kill, and does as ``behaviour`` does."""

    def __init__(self, behaviour: Callable[[], Awaitable[list[str]]]) -> None:
        self.kills: list[tuple[str, int]] = []
        self._behaviour = behaviour

    async def kill(self, execution_id: str, term: int, reason: str) -> list[str]:
        self.kills.append((execution_id, term))
        return await self._behaviour()


@asynccontextmanager
async def left_running(home: Path) -> AsyncIterator[Store]:
    """An execution that failed and left an operation running, which is to be killed."""
    store = await asyncio.to_thread(Store.open, f"sqlite:///{home / 'store.db'}")
    await store.write(admission.create, NewExecution("e", "w", None, None), queue=False, force=False, now=NOW)
    await store.write(claims.claim, "e", "me", None, NOW)
    assert await store.write(workflow_frames.send, "e", 1, OPERATION, NOW)
    assert await store.write(operations.grant, [("e", 1, "o", 1)], "me", NOW)
    await store.write(ending.finish, "e", 1, Outcome.FAILED, now=NOW)
    await store.write(cancellation.request_cancel, "e", CancelMode.KILL, by="u", now=NOW)
    try:
        yield store
    finally:
        store.close()


def reconcile_loop(store: Store, killer: Any) -> ReconcileLoop:
    runner: Any = SimpleNamespace(hosted=dict)
    return ReconcileLoop(
        store, LocalBus(), runner, killer, name="me", interval=1, lease=15, clock=lambda: NOW
    )


async def settle(loop: ReconcileLoop) -> None:
    await asyncio.gather(*loop._tasks, return_exceptions=True)
    await asyncio.sleep(0)


def run(work: Awaitable[None]) -> None:
    asyncio.run(asyncio.wait_for(work, 20))


def test_a_stored_kill_is_carried_out_once_even_where_something_withstands_it(tmp_path: Path) -> None:
    async def check() -> None:
        async with left_running(tmp_path) as store:
            killer = Killer(lambda: asyncio.sleep(0, ["o"]))
            loop = reconcile_loop(store, killer)
            for _ in range(3):
                await loop.reconcile()
                await settle(loop)
            assert killer.kills == [("e", 1)]
            # A user who asks again is obeyed.
            loop._on_message("control.all", {"kill": "e", "term": 1})
            await settle(loop)
            assert killer.kills == [("e", 1)] * 2
            await store.write(operations.end, "o", 1, state=OperationState.FAILED, now=NOW)
            await loop.reconcile()
            assert loop._killing == set()
            assert len(killer.kills) == 2
            await loop.close()

    run(check())


def test_a_kill_that_breaks_is_tried_again(tmp_path: Path) -> None:
    async def breaks() -> list[str]:
        raise RuntimeError("no such luck")

    async def check() -> None:
        async with left_running(tmp_path) as store:
            killer = Killer(breaks)
            loop = reconcile_loop(store, killer)
            for _ in range(2):
                await loop.reconcile()
                await settle(loop)
            assert killer.kills == [("e", 1)] * 2
            await loop.close()

    run(check())


def test_a_kill_that_takes_its_time_is_not_begun_again(tmp_path: Path) -> None:
    async def check() -> None:
        async with left_running(tmp_path) as store:
            over = asyncio.Event()

            async def slow() -> list[str]:
                await over.wait()
                return []

            killer = Killer(slow)
            loop = reconcile_loop(store, killer)
            loop._on_message("control.all", {"kill": "e", "term": 1})
            await asyncio.sleep(0)
            await loop.reconcile()
            assert killer.kills == [("e", 1)]
            over.set()
            await settle(loop)
            await loop.close()

    run(check())


def test_a_workflow_begins_only_under_its_owners_term(tmp_path: Path) -> None:
    async def check() -> None:
        async with left_running(tmp_path) as store:
            await store.write(admission.resume, "e", by="u", now=NOW)
            execution = await store.write(claims.claim, "e", "me", None, NOW)
            manager = Manager(
                Settings(home=tmp_path), store, LocalBus(), PluginEnvironments(tmp_path), name="me"
            )
            snapshot: Any = SimpleNamespace(execution=execution)

            def journal(term: int) -> WorkflowJournal:
                steps = WorkflowSteps(
                    store, manager.modifications, snapshot, term, home=tmp_path, clock=lambda: NOW
                )
                return WorkflowJournal(
                    store,
                    manager._recorder,
                    manager._dispatcher,
                    manager.rpc,
                    steps,
                    snapshot,
                    term,
                    lambda: NOW,
                )

            with pytest.raises(StaleTerm, match="was not begun"):
                await journal(1).answer("begin", {})
            assert not (await store.read(manager_queries.get, "e")).workflow_entered
            assert await journal(2).answer("begin", {}) is None
            assert (await store.read(manager_queries.get, "e")).workflow_entered
            await manager.close()

    run(check())


def test_a_start_waits_for_the_processes_of_what_it_carries_on(tmp_path: Path) -> None:
    """Loading the API next would keep the processor from it."""

    async def check() -> None:
        async with left_running(tmp_path) as store:
            prepared = asyncio.Event()
            runner: Any = SimpleNamespace(hosted=dict, prepared=prepared.wait)
            killer: Any = SimpleNamespace(kill=prepared.wait)
            loop = ReconcileLoop(
                store,
                LocalBus(),
                runner,
                killer,
                name="me",
                interval=1,
                lease=15,
                clock=lambda: NOW,
            )
            waiting = asyncio.ensure_future(loop.carried_on())
            await asyncio.sleep(0)
            loop._tasks.spawn(loop._tick(), "the reconcile loop")
            await loop._looked.wait()
            assert not waiting.done()
            prepared.set()
            await waiting
            await loop.close()

    run(check())
