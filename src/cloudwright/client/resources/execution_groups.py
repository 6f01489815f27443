"""Groups of executions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import UPLOAD_TIMEOUT, WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import ExecutionGroup


class ExecutionGroups(Collection["ExecutionGroup"]):
    path = "/execution-groups"

    def list(self, part: Slice = WHOLE) -> Page[ExecutionGroup]:
        return self._list(part)

    def start(
        self,
        deployment_group_id: str,
        workflow_id: str,
        *,
        default_parameters: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        force: bool = False,
        concurrency: int = 5,
    ) -> ExecutionGroup:
        """Run a workflow on every deployment of a group, ``concurrency`` at a time.

        ``parameters`` are those of single deployments by their id, over ``default_parameters``.

        Raises NotFound, BadRequest, and Conflict if one of them cannot start: then none does.
        """
        body = {
            "deployment_group_id": deployment_group_id,
            "workflow_id": workflow_id,
            "default_parameters": dict(default_parameters or {}),
            "parameters": {id: dict(values) for id, values in (parameters or {}).items()},
            "force": force,
            "concurrency": concurrency,
        }
        return self._send("POST", self.path, body)

    def cancel(self, group_id: str, how: str = "cancel") -> ExecutionGroup:
        """Ask all of a group to stop: ``cancel``, ``force-cancel`` or ``kill``. None of it starts any more.

        Raises NotFound, and BadRequest if nothing of it is left to stop.
        """
        return self._send("POST", self._one(group_id), {"action": how})

    def resume(self, group_id: str, *, reset_operations: bool = False) -> ExecutionGroup:
        """Resume what failed or was cancelled. Raises NotFound, and BadRequest if nothing can be resumed."""
        action = "force-resume" if reset_operations else "resume"
        return self._send("POST", self._one(group_id), {"action": action})

    def change(
        self,
        group_id: str,
        *,
        concurrency: int | None = None,
        success_group_id: str | None = None,
        failure_group_id: str | None = None,
    ) -> ExecutionGroup:
        """Change what is not None: how many run at a time, and which groups deployments come into when their
        execution ends. Raises NotFound.
        """
        body = {
            "concurrency": concurrency,
            "success_group_id": success_group_id,
            "failure_group_id": failure_group_id,
        }
        return self._send("PATCH", self._one(group_id), body)

    def _send(self, method: str, path: str, body: Any) -> ExecutionGroup:
        answer = self._transport.request(method, path, json=body, timeout=UPLOAD_TIMEOUT)
        return cast("ExecutionGroup", answer)
