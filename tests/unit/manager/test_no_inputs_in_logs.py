"""What a failed callback or a debugger's print puts into the manager's log holds no inputs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from cloudwright.manager.execution_context import ExecutionSnapshot
from cloudwright.manager.operation_run import OperationRun
from cloudwright.manager.redaction import Concealment
from cloudwright.manager.secret_keys import SecretKeys
from cloudwright.manager.secret_passphrase import Passphrase
from cloudwright.process.runner import OperationEnd
from cloudwright.storage.records import Deployment, NewExecution, Secret

CANARY = "s3cret-of-a-user"


def test_records_show_no_inputs() -> None:
    new = NewExecution("e", "install", "d", parameters={"password": CANARY})
    deployment = Deployment("d", "b", inputs={"password": CANARY})
    end = OperationEnd("succeeded", CANARY, updates=[{"id": "i", "runtime_properties": {"p": CANARY}}])
    concealment = Concealment()
    concealment.learn([CANARY])
    shown = [new, deployment, end, concealment, Secret("k", CANARY), Passphrase(CANARY)]
    assert CANARY not in repr(shown)
    assert "cannot" not in repr(SecretKeys([b"cannot be printed or guessed ...."], "here"))


def test_an_operation_on_its_way_shows_no_inputs() -> None:
    async def shown() -> str:
        snapshot: Any = object.__new__(ExecutionSnapshot)
        snapshot.execution = SimpleNamespace(id="e")
        snapshot.plugins = {"p": {"properties": CANARY}}
        return repr(OperationRun(snapshot, 1, {"id": "o", "inputs": {"password": CANARY}}))

    text = asyncio.run(shown())
    assert CANARY not in text
    assert "OperationRun" in text
