"""The dispatcher of operations, where what a process says makes no sense."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import workflow_frames
from cloudwright.bus.local import LocalBus
from cloudwright.manager.begin_gate import BeginGate
from cloudwright.manager.dispatcher import Dispatcher
from cloudwright.manager.manager import Manager
from cloudwright.manager.operation_run import OperationRun
from cloudwright.manager.plugin_environments import PluginEnvironments
from cloudwright.manager.plugin_selection import PluginCode
from cloudwright.manager.redaction import Concealment
from cloudwright.model.operation import OperationState
from cloudwright.process.runner import OperationEnd
from cloudwright.settings import Settings
from cloudwright.storage import operations
from cloudwright.storage.executions import admission, claims
from cloudwright.storage.records import NewExecution
from cloudwright.storage.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OPERATION: dict[str, Any] = {
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


def _snapshot(execution: Any) -> Any:
    """What an operation of the manager's own plugin needs of its execution's snapshot."""
    return SimpleNamespace(
        execution=execution,
        plugins={},
        codes={},
        blueprint_path=Path("/nowhere"),
        concealment=Concealment(),
    )


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

    dispatcher._local.run = start  # type: ignore[method-assign, assignment]
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    dispatcher.follow("e", heard.put_nowait)
    dispatcher.send(_snapshot(execution), 1, [OPERATION])
    assert (await heard.get())["state"] == "started"
    end = await heard.get()
    assert end["state"] == "failed"
    assert "could not be stored" in end["failure"]["message"]
    assert (await store.read(operations.get, "o")).state is OperationState.FAILED
    assert not dispatcher.busy
    await manager.close()
    store.close()


def test_a_kill_revokes_what_is_granted_and_has_not_begun(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_revoke(tmp_path, lambda dispatcher: dispatcher.kill("e", 1, "a kill")), 20))


def test_the_end_of_an_execution_revokes_what_is_granted_and_has_not_begun(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_revoke(tmp_path, lambda dispatcher: dispatcher.settle("e")), 20))


async def _revoke(home: Path, stop: Callable[[Dispatcher], Awaitable[list[str]]]) -> None:
    store = await asyncio.to_thread(Store.open, f"sqlite:///{home / 'store.db'}")
    manager = _manager(home, store)
    dispatcher = manager._dispatcher
    execution = await _sent(store)
    reached = asyncio.Event()

    async def prepare(run: OperationRun) -> Any:
        reached.set()
        await asyncio.Event().wait()

    dispatcher._local._prepare = prepare  # type: ignore[method-assign]
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    dispatcher.follow("e", heard.put_nowait)
    dispatcher.send(_snapshot(execution), 1, [OPERATION])
    await reached.wait()
    assert await stop(dispatcher) == []
    assert [(await heard.get())["state"] for _ in range(2)] == ["started", "cancelled"]
    assert (await store.read(operations.get, "o")).state is OperationState.CANCELLED
    assert not dispatcher.busy
    # It never ran, so its workflow may send the very attempt again.
    assert await store.write(workflow_frames.send, "e", 1, OPERATION, NOW)
    await manager.close()
    store.close()


def test_an_operation_that_waits_for_its_plugin_is_not_granted(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_install_in_vain(tmp_path), 20))


async def _install_in_vain(home: Path) -> None:
    store = await asyncio.to_thread(Store.open, f"sqlite:///{home / 'store.db'}")
    manager = _manager(home, store)
    dispatcher = manager._dispatcher
    execution = await _sent(store)
    installing, ended = asyncio.Event(), asyncio.Event()

    async def install(*_: Any) -> None:
        installing.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    manager._environments._install = install  # type: ignore[method-assign, assignment]
    snapshot = _snapshot(execution)
    snapshot.codes[""] = PluginCode("p", "1", None, (), Path("wheels"), ("p.whl",), "key")
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    dispatcher.follow("e", heard.put_nowait)
    dispatcher.send(snapshot, 1, [OPERATION])
    await installing.wait()
    assert (await store.read(operations.get, "o")).state is OperationState.SENT
    dispatcher.revoke("e")
    assert (await heard.get())["state"] == "cancelled"
    # Nobody waits for it any more.
    await ended.wait()
    assert not dispatcher.busy
    await manager.close()
    store.close()


def test_nothing_begins_while_a_request_is_being_stored(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_hold(), 20))


async def _hold() -> None:
    gate = BeginGate()
    may_begin, another = gate.bind("e"), gate.bind("f")
    assert may_begin() is None
    with gate.hold("e"):
        with gate.hold("e"):
            opened = asyncio.ensure_future(may_begin())  # type: ignore[arg-type]
            assert another() is None
        await asyncio.sleep(0)
        assert not opened.done()
    await opened
    assert may_begin() is None


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

    dispatcher._local.run = start  # type: ignore[method-assign, assignment]
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    dispatcher.follow("e", heard.put_nowait)
    dispatcher.send(_snapshot(execution), 1, wanted)
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

    dispatcher._local._prepare = prepare  # type: ignore[method-assign, assignment]
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    dispatcher.follow("e", heard.put_nowait)
    dispatcher.send(_snapshot(execution), 1, [OPERATION])
    assert (await heard.get())["state"] == "started"
    end = await heard.get()
    assert end["state"] == "failed"
    assert "nothing can be installed" in end["failure"]["message"]
    assert not dispatcher.busy
    await manager.close()
    store.close()
