"""The methods that children may call: what they are refused, and that they look at what they name."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cloudwright.bus.local import LocalBus
from cloudwright.errors import InvalidInput, NotFound
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.secret_keys import KEY_FILE, SecretKeys
from cloudwright.manager.secrets import Secrets
from cloudwright.storage.executions import admission
from cloudwright.storage.records import NewExecution
from cloudwright.storage.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_execution_is_the_one_that_is_named_and_of_the_same_tenant(tmp_path: Path) -> None:
    async def look() -> None:
        store = await asyncio.to_thread(Store.open, f"sqlite:///{tmp_path / 'store.db'}")
        for id, tenant in (("own", "t"), ("other", "t"), ("foreign", "u")):
            new = NewExecution(id, f"workflow_of_{id}", tenant=tenant)
            await store.write(admission.create, new, queue=False, force=False, now=NOW)
        secrets = Secrets(store, SecretKeys.open(tmp_path / KEY_FILE), lambda: NOW)
        rpc = ChildRpc(store, LocalBus(), secrets, lambda: NOW)
        snapshot: Any = SimpleNamespace(
            execution=SimpleNamespace(id="own", tenant="t"), deployment=SimpleNamespace(id="d")
        )
        assert (await rpc.handle(snapshot, "execution", {}))["workflow_id"] == "workflow_of_own"
        other = await rpc.handle(snapshot, "execution", {"id": "other"})
        assert other["workflow_id"] == "workflow_of_other"
        with pytest.raises(NotFound, match="foreign"):
            await rpc.handle(snapshot, "execution", {"id": "foreign"})
        with pytest.raises(InvalidInput, match="The argument `id` of `node` is missing"):
            await rpc.handle(snapshot, "node", {})
        with pytest.raises(InvalidInput, match="There is no method `secret`"):
            await rpc.handle(snapshot, "secret", {"key": "k"})
        store.close()

    asyncio.run(asyncio.wait_for(look(), 20))
