"""The steps by which a workflow changes its deployment.

Each is stored under a number that the workflow counts up, so that a resumed workflow, which makes the same
steps again, gets the same answers.
"""

from __future__ import annotations

from typing import Any

from cloudwright.manager.execution_context import ExecutionSnapshot
from cloudwright.manager.modifications import Modifications, OwnStep
from cloudwright.model.modification import Modification, ModificationStatus
from cloudwright.storage import modifications
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.store import Store


class WorkflowSteps:
    """Those of one execution, under its owner's term."""

    def __init__(
        self, store: Store, modifications: Modifications, snapshot: ExecutionSnapshot, term: int
    ) -> None:
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
                started = await self._modifications.start(
                    tenant,
                    deployment_id,
                    args["nodes"],
                    by=snapshot.execution.created_by,
                    context=args.get("context"),
                    step=self._step(args["step"]),
                )
                return frame(started)
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
        raise AssertionError(f"`{method}` is in WORKFLOW_METHODS but has no handler")

    def _step(self, number: int) -> OwnStep:
        execution = self._snapshot.execution
        return OwnStep(execution.id, self._term, number, execution.resumed)


def frame(modification: Modification) -> dict[str, Any]:
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
    }
