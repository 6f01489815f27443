"""A manager that dies in the middle of a restore has what was there before, whole."""

from __future__ import annotations

import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

import httpx
from manager_process import BLUEPRINT, ManagerProcess, running_manager, watching

EVENTS_AT_ONCE, TIMES = 10_000, 1


def ask(manager: ManagerProcess, method: str, path: str, body: Any = None) -> Any:
    told = json.loads((manager.home / "credentials.json").read_text())
    headers = {"Authentication-Token": told["token"], "Tenant": "default_tenant"}
    answer = httpx.request(method, f"{told['url']}/api/v3.1{path}", json=body, headers=headers, timeout=60)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def await_status(manager: ManagerProcess, path: str, status: str) -> None:
    """Ask until it is so: there is no event of what a manager does by itself before it is over."""
    while ask(manager, "GET", path)["status"] != status:
        time.sleep(0.05)


def archive() -> io.BytesIO:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        tar.add(BLUEPRINT, "app", filter=lambda info: None if "__pycache__" in info.name else info)
    made.seek(0)
    return made


def blueprints(manager: ManagerProcess) -> set[str]:
    return {row["id"] for row in manager.client.blueprints.list().items}


def test_the_old_state_is_back(tmp_path: Path) -> None:
    with running_manager(tmp_path) as manager:
        client = manager.client
        manager.deploy()
        execution = client.executions.list().items[0]["id"]
        # The restore writes them all: it takes a moment, and more than SQLite keeps in memory.
        many = [{"message": {"text": "x" * 500}}] * EVENTS_AT_ONCE
        for _ in range(TIMES):
            ask(manager, "POST", "/events", {"execution_id": execution, "logs": many})
        client.snapshots.create("before")
        await_status(manager, "/snapshots/before", "created")
        await_status(manager, "/snapshot-status", "not-running")
        client.blueprints.upload("later", archive(), main_file="blueprint.yaml")
        assert blueprints(manager) == {"sleeper", "later"}

        reloading = manager.home / "snapshots" / "reloading"
        with watching(manager.home / "cloudwright.db-wal") as changed:
            client.snapshots.restore("before", force=True)
            while not reloading.exists():
                changed()
            changed()
            manager.kill9()
        assert reloading.exists()

        manager.restart()
        assert not reloading.exists()
        assert blueprints(manager) == {"sleeper", "later"}
        for id in ("sleeper", "later"):
            archived = io.BytesIO()
            assert manager.client.blueprints.download(id, archived) > 500
            manager.client.deployments.create(f"of-{id}", blueprint_id=id, inputs={"event_log": "/dev/null"})
        assert not manager.client.snapshots.is_restoring()

        # And a restore that nobody disturbs still works.
        execution = manager.client.snapshots.restore("before", force=True)["id"]
        await_status(manager, "/snapshot-status", "not-running")
        assert ask(manager, "GET", f"/executions/{execution}")["status"] == "terminated"
        assert blueprints(manager) == {"sleeper"}
