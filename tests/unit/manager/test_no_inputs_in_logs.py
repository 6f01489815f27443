"""What a failed callback or a debugger's print puts into the manager's log holds no inputs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from cloudwright.manager.execution_context import ExecutionSnapshot
from cloudwright.manager.operation_run import OperationRun
from cloudwright.process.runner import OperationEnd
from cloudwright.storage.records import Deployment, NewExecution

CANARY = "s3cret-of-a-user"


def test_records_show_no_inputs() -> None:
    new = NewExecution("e", "install", "d", parameters={"password": CANARY})
    deployment = Deployment("d", "b", inputs={"password": CANARY})
    end = OperationEnd("succeeded", CANARY, updates=[{"id": "i", "runtime_properties": {"p": CANARY}}])
    assert CANARY not in repr([new, deployment, end])


def test_an_operation_on_its_way_shows_no_inputs() -> None:
    async def shown() -> str:
        snapshot: Any = object.__new__(ExecutionSnapshot)
        snapshot.execution = SimpleNamespace(id="e")
        snapshot.plugins = {"p": {"properties": CANARY}}
        return repr(OperationRun(snapshot, 1, {"id": "o", "inputs": {"password": CANARY}}))

    text = asyncio.run(shown())
    assert CANARY not in text
    assert "OperationRun" in text
