"""The dispatcher of operations, where what a process says makes no sense."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import workflow_frames
from cloudwright.bus.local import LocalBus
from cloudwright.manager.manager import Manager
from cloudwright.manager.operation_run import OperationRun
from cloudwright.manager.plugin_environments import PluginEnvironments
from cloudwright.model.operation import OperationState
from cloudwright.process.runner import OperationEnd
from cloudwright.settings import Settings
from cloudwright.storage import operations
from cloudwright.storage.executions import admission, claims
from cloudwright.storage.records import NewExecution
from cloudwright.storage.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OPERATION = {
    "id": "o",
    "name": "act",
    "graph_id": None,
    "attempt": 1,
    "plugin": "p",
    "executor": "central_deployment_agent",
    "inputs": {},
}


def _manager(home: Path, store: Store) -> Manager:
    return Manager(Settings(home=home), store, LocalBus(), PluginEnvironments(home), name="me")


async def _sent(store: Store) -> Any:
    """An execution that this manager owns, with OPERATION stored as sent."""
    await store.write(admission.create, NewExecution("e", "w", None, None), queue=False, force=False, now=NOW)
    execution = await store.write(claims.claim, "e", "me", None, NOW)
    assert await store.write(workflow_frames.send, "e", 1, OPERATION, NOW)
    return execution


def test_an_end_that_cannot_be_stored_is_a_failure_and_frees_its_slot(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_end_with_nonsense(tmp_path), 20))


async def _end_with_nonsense(home: Path) -> None:
    store = await asyncio.to_thread(Store.open, f"sqlite:///{home / 'store.db'}")
    manager = _manager(home, store)
    dispatcher = manager._dispatcher
    execution = await _sent(store)

    def start(run: OperationRun, _: Any) -> None:
        dispatcher._recorder.ended(run.id, OperationEnd("succeeded", updates=[{"nonsense": 1}]))

    dispatcher._local.run = start  # type: ignore[method-assign]
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    dispatcher.follow("e", heard.put_nowait)
    dispatcher.send(SimpleNamespace(execution=execution, plugins={}), 1, [OPERATION])  # type: ignore[arg-type]
    assert (await heard.get())["state"] == "started"
    end = await heard.get()
    assert end["state"] == "failed"
    assert "could not be stored" in end["failure"]["message"]
    assert (await store.read(operations.get, "o")).state is OperationState.FAILED
    assert not dispatcher.busy
    await manager.close()
    store.close()


def test_a_kill_that_ends_before_another_one_lets_nothing_go_that_the_other_means(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_kill_twice(tmp_path), 20))


async def _kill_twice(home: Path) -> None:
    store = await asyncio.to_thread(Store.open, f"sqlite:///{home / 'store.db'}")
    manager = _manager(home, store)
    dispatcher = manager._dispatcher
    await store.write(admission.create, NewExecution("e", "w", None, None), queue=False, force=False, now=NOW)
    execution = await store.write(claims.claim, "e", "me", None, NOW)
    execution = await store.write(claims.take_over, "e", old_term=1, owner="me", lease_until=None, now=NOW)
    assert await store.write(workflow_frames.send, "e", 2, OPERATION, NOW)
    reached, stopping, stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def prepare(run: OperationRun) -> Any:
        # An installation, which takes its time to stop.
        reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopping.set()
            await stopped.wait()

    dispatcher._local._prepare = prepare  # type: ignore[method-assign]
    dispatcher.send(SimpleNamespace(execution=execution, plugins={}), 2, [OPERATION])  # type: ignore[arg-type]
    await reached.wait()
    killing = asyncio.ensure_future(dispatcher.kill("e", 2, "the execution is killed"))
    await stopping.wait()
    # Of what it left running under its first term, nothing is left.
    assert await dispatcher.kill("e", 1, "a kill of residuals") == []
    stopped.set()
    assert await killing == []
    assert (await store.read(operations.get, "o")).state is OperationState.FAILED
    assert not dispatcher.busy
    await manager.close()
    store.close()


def test_an_operation_that_cannot_be_granted_fails_and_holds_nobody_up(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_grant_with_nonsense(tmp_path), 20))


async def _grant_with_nonsense(home: Path) -> None:
    store = await asyncio.to_thread(Store.open, f"sqlite:///{home / 'store.db'}")
    manager = _manager(home, store)
    dispatcher = manager._dispatcher
    await store.write(admission.create, NewExecution("e", "w", None, None), queue=False, force=False, now=NOW)
    execution = await store.write(claims.claim, "e", "me", None, NOW)
    # Of more attempts than the database can count to.
    wanted = [OPERATION, OPERATION | {"id": "nonsense", "attempt": 2**63}]
    assert await store.write(workflow_frames.send, "e", 1, OPERATION, NOW)

    def start(run: OperationRun, _: Any) -> None:
        dispatcher._recorder.ended(run.id, OperationEnd("succeeded"))

    dispatcher._local.run = start  # type: ignore[method-assign]
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    dispatcher.follow("e", heard.put_nowait)
    dispatcher.send(SimpleNamespace(execution=execution, plugins={}), 1, wanted)  # type: ignore[arg-type]
    news = [await heard.get() for _ in range(3)]
    assert [item["state"] for item in news if item["id"] == "o"] == ["started", "succeeded"]
    (refused,) = (item for item in news if item["id"] == "nonsense")
    assert refused["state"] == "failed"
    assert "could not be started" in refused["failure"]["message"]
    assert not dispatcher.busy
    assert await dispatcher.kill("e", 1, "nothing is held up") == []
    await manager.close()
    store.close()


def test_an_operation_that_cannot_be_prepared_fails_and_says_why(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_prepare_in_vain(tmp_path), 20))


async def _prepare_in_vain(home: Path) -> None:
    store = await asyncio.to_thread(Store.open, f"sqlite:///{home / 'store.db'}")
    manager = _manager(home, store)
    dispatcher = manager._dispatcher
    execution = await _sent(store)

    async def prepare(_: OperationRun) -> Any:
        raise PermissionError("nothing can be installed")

    dispatcher._local._prepare = prepare  # type: ignore[method-assign]
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    dispatcher.follow("e", heard.put_nowait)
    dispatcher.send(SimpleNamespace(execution=execution, plugins={}), 1, [OPERATION])  # type: ignore[arg-type]
    assert (await heard.get())["state"] == "started"
    end = await heard.get()
    assert end["state"] == "failed"
    assert "nothing can be installed" in end["failure"]["message"]
    assert not dispatcher.busy
    await manager.close()
    store.close()
