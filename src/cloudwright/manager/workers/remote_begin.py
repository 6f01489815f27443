"""What a worker on another machine is sent of an operation, and the files that it fetches for it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloudwright.errors import CloudwrightError, NotFound
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.operation_run import OperationRun
from cloudwright.manager.plugin_selection import PluginCode, find_code
from cloudwright.manager.plugin_wheels import PluginWheels
from cloudwright.manager.workers.protocol import Subjects
from cloudwright.model.topology import NodeInstance
from cloudwright.storage import instances
from cloudwright.storage.store import Connection, Store

#: Of how many blueprints the folder is remembered.
_REMEMBERED = 10_000


class RemoteBegin:
    """Makes `run` frames. ``folders`` are the files that workers may fetch, by key; ``wheels`` are those from
    which they install plugins.
    """

    def __init__(self, store: Store, rpc: ChildRpc, wheels: PluginWheels, memory_limit: int | None) -> None:
        self._store = store
        self._rpc = rpc
        self._memory_limit = memory_limit
        self.wheels = wheels
        self.folders: dict[str, Path] = {}

    async def frame(
        self, run: OperationRun, subjects: Subjects | None, worker: str, making: Callable[[], None]
    ) -> dict[str, Any]:
        """Return the frame that runs ``run``. Raises CloudwrightError if it cannot run there.

        ``making`` is called if wheels of its plugin are to be made first.
        """
        if subjects is None:
            subjects = await self._store.write_about((), _read_subjects, run)
        if isinstance(subjects, CloudwrightError):
            raise subjects
        operation, snapshot = run.operation, run.snapshot
        code = await asyncio.to_thread(find_code, run.plugin, snapshot.blueprint_path)
        installation = None if code.project is None else await self.wheels.installation(code, making)
        root, paths = _relative(code, snapshot.blueprint_path)
        inputs = operation["inputs"]
        if snapshot.concealment:
            inputs = self._rpc.unseal(snapshot, inputs)
        if operation.get("evaluate"):
            inputs = await self._rpc.evaluate_inputs(snapshot, inputs, run.scope)
        begin = run.begin(code, inputs, "", subjects)
        subject = subjects[operation.get("instance") or operation[operation["side"]]]
        begin["agent"] = {"name": worker, "host_id": subject.host_id}
        return {
            "type": "run",
            "operation": run.id,
            "attempt": run.attempt,
            "begin": begin,
            "resources": self._key(snapshot.blueprint_path),
            "files": None if root is None else self._key(root),
            "code": paths,
            "installation": installation,
            "timeout": operation.get("timeout"),
            "timeout_recoverable": bool(operation.get("timeout_recoverable")),
            "memory_limit": self._memory_limit,
        }

    def _key(self, folder: Path) -> str:
        """Return what the blueprint's files are fetched by: another one in the same place has another key."""
        status = folder.stat()
        named = f"{folder}\0{status.st_ino}\0{status.st_mtime_ns}"
        key = hashlib.sha256(named.encode()).hexdigest()[:40]
        if len(self.folders) >= _REMEMBERED:
            self.folders.clear()
        self.folders[key] = folder
        return key


def _relative(code: PluginCode, blueprint: Path) -> tuple[Path | None, list[str]]:
    """Return the folder of a plugin's own files, if it is not in the blueprint's, and where its code is."""
    if code.project is not None:
        return None, []
    paths = [Path(path).resolve() for path in code.path]
    root = blueprint.resolve()
    inside = all(path.is_relative_to(root) for path in paths)
    own = None if inside or code.folder is None else code.folder.resolve()
    return own, [str(path.relative_to(own or root)) for path in paths]


def _read_subjects(conn: Connection, run: OperationRun) -> dict[str, NodeInstance] | CloudwrightError:
    tenant = run.snapshot.execution.tenant
    ids = [str(id) for id in run.scope.values() if id is not None]
    try:
        return {id: instances.get_instance(conn, tenant, id) for id in ids}
    except NotFound as error:
        return error
