"""The dispatcher of operations, where what a process says makes no sense."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cloudwright.bus.local import LocalBus
from cloudwright.manager.assignment import Assignment
from cloudwright.manager.service import Manager
from cloudwright.model.operation import OperationState
from cloudwright.process.runner import OperationEnd
from cloudwright.settings import Settings
from cloudwright.storage import executions, operations
from cloudwright.storage.records import NewExecution
from cloudwright.storage.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OPERATION = {
    "id": "o",
    "name": "act",
    "graph_id": None,
    "attempt": 1,
    "plugin": "p",
    "executor": "e",
    "inputs": {},
}


def test_an_end_that_cannot_be_stored_is_a_failure_and_frees_its_slot(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_end_with_nonsense(tmp_path), 20))


async def _end_with_nonsense(home: Path) -> None:
    store = await asyncio.to_thread(Store.open, f"sqlite:///{home / 'store.db'}")
    manager = Manager(Settings(home=home), store, LocalBus(), name="me")
    dispatcher = manager._dispatcher
    await store.write(
        executions.create, NewExecution("e", "w", None, None), queue=False, force=False, now=NOW
    )
    execution = await store.write(executions.claim, "e", "me", None, NOW)
    assert await store.write(operations.send, "e", 1, OPERATION, NOW)

    async def launch(assignment: Assignment, *_: Any) -> None:
        dispatcher.ended(assignment.id, OperationEnd("succeeded", updates=[{"nonsense": 1}]))

    dispatcher._launch = launch  # type: ignore[method-assign]
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
