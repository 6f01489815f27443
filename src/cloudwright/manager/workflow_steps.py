"""The steps by which a workflow changes its deployment.

Each is stored under a number that the workflow counts up, so that a resumed workflow, which makes the same
steps again, gets the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from cloudwright.errors import IllegalAction
from cloudwright.manager.dependencies import switch_update
from cloudwright.manager.execution_context import ExecutionSnapshot, read_snapshot
from cloudwright.manager.instance_changes import InstanceChange
from cloudwright.manager.modifications import Modifications, OwnStep
from cloudwright.model.deployment_update import DeploymentUpdate
from cloudwright.model.modification import Modification, ModificationStatus
from cloudwright.storage import deployment_updates, modifications
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.store import Connection, Store


class WorkflowSteps:
    """Those of one execution, under its owner's term."""

    def __init__(
        self,
        store: Store,
        modifications: Modifications,
        snapshot: ExecutionSnapshot,
        term: int,
        *,
        home: Path,
        clock: Callable[[], datetime],
    ) -> None:
        self._home = home
        self._clock = clock
        self._store = store
        self._modifications = modifications
        self._snapshot = snapshot
        self._term = term

    async def answer(self, method: str, args: dict[str, Any]) -> Any:
        """Return the value of a call's reply. Raises errors.CloudwrightError to refuse it."""
        snapshot = self._snapshot
        tenant, deployment_id = snapshot.execution.tenant, snapshot.deployment.id
        match method:
            case "start_modification":
                started, changes = await self._modifications.start(
                    tenant,
                    deployment_id,
                    args["nodes"],
                    by=snapshot.execution.created_by,
                    context=args.get("context"),
                    step=self._step(args["step"]),
                )
                return frame(started, changes)
            case "preview_modification":
                planned = await self._modifications.preview(
                    tenant, deployment_id, args["nodes"], snapshot.execution.id
                )
                return [asdict(one) for one in planned]
            case "stored_modification":
                known = await self._modifications.stored(self._step(args["step"]))
                return None if known is None else frame(known)
            case "started_modifications":
                rows, _ = await self._store.write(
                    modifications.list_modifications,
                    tenant,
                    EVERYTHING,
                    deployment_ids=[deployment_id],
                    statuses=[ModificationStatus.STARTED],
                )
                return [frame(row) for row in rows]
            case "finish_modification":
                return frame(await self._modifications.finish(tenant, args["id"], self._step(0)))
            case "rollback_modification":
                done = await self._modifications.rollback(
                    tenant, args["id"], self._step(0), args.get("reason")
                )
                return frame(done)
            case "deployment_update":
                return update_frame(await self._update())
            case "add_updated_nodes":
                await self._write_update(deployment_updates.add_nodes)
                await self._refresh()
                return None
            case "switch_update":
                await self._write_update(switch_update, self._clock())
                await self._refresh()
                nodes, shared = snapshot.packed
                return {"nodes": nodes, "shared": shared, "deployment": snapshot.head["deployment"]}
            case "finish_update":
                await self._write_update(deployment_updates.finish, self._clock())
                return None
        raise AssertionError(f"`{method}` is in WORKFLOW_METHODS but has no handler")

    async def _update(self) -> DeploymentUpdate:
        id = self._snapshot.execution.id
        found = await self._store.write(deployment_updates.of_execution, id)
        if found is None:
            raise IllegalAction(
                f"Execution `{id}` belongs to no deployment update. Start one with `cfy deployments update`."
            )
        return found

    async def _write_update(self, verb: Callable[..., Any], *more: Any) -> None:
        found = await self._update()
        execution = self._snapshot.execution
        await self._store.write(_owned, verb, execution.id, self._term, found.id, found.tenant, *more)

    async def _refresh(self) -> None:
        """Let what runs from now on see the deployment as it is stored now."""
        snapshot = self._snapshot
        fresh = await self._store.write(read_snapshot, snapshot.execution, self._home)
        snapshot.take(fresh)

    def _step(self, number: int) -> OwnStep:
        execution = self._snapshot.execution
        return OwnStep(execution.id, self._term, number, execution.resumed)


def frame(modification: Modification, changes: Sequence[InstanceChange] = ()) -> dict[str, Any]:
    """Return a modification as a workflow gets it: its instances by their ids."""
    added = [one["id"] for one in modification.added]
    related = sorted({*modification.related, *modification.targets})
    return {
        "id": modification.id,
        "status": str(modification.status),
        "reason": modification.reason,
        "modified_nodes": modification.modified_nodes,
        "added": added,
        "removed": modification.removed,
        "related": related,
        "changes": [asdict(one) for one in changes],
    }


def update_frame(update: DeploymentUpdate) -> dict[str, Any]:
    """Return an update as a workflow gets it: its instances by their ids."""
    topology = update.topology
    return {
        "id": update.id,
        "switched": update.switched,
        "options": update.options,
        "changed": update.changed,
        "added": [one["id"] for one in topology["added"]],
        "removed": topology["removed"],
        "extended": topology["extended"],
        "reduced": topology["reduced"],
    }


def _owned(
    conn: Connection, verb: Callable[..., Any], execution_id: str, term: int, id: str, tenant: str, *more: Any
) -> None:
    modifications.check_owner(conn, execution_id, term)
    verb(conn, id, tenant, *more)
